"""The command line: `zoo NAME ...`; one file a command in `zoo/commands/`.

Nothing heavy is imported here, so that `zoo --help` answers at once. What a user can
get wrong is a ZooError or an OSError, and is told in one place, without a traceback.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from compiler.errors import ZooError
from compiler.escapes import escape_lines, escaped_output
from zoo.commands.arena import arena
from zoo.commands.audit import audit
from zoo.commands.build import build
from zoo.commands.compile import compile_program
from zoo.commands.components import components
from zoo.commands.compress import compress
from zoo.commands.download import download, index, publish
from zoo.commands.evaluate import evaluate, leaderboard
from zoo.commands.export import export
from zoo.commands.list import list_programs
from zoo.commands.questions import questions
from zoo.commands.rasp import rasp
from zoo.commands.releases import card, releases
from zoo.commands.run import run
from zoo.commands.sample import sample
from zoo.commands.score import score
from zoo.commands.score_program import score_program
from zoo.commands.score_trojan import score_trojan
from zoo.commands.show import show
from zoo.commands.site import site
from zoo.commands.submit import submit
from zoo.commands.superpose import superpose
from zoo.commands.train import train
from zoo.commands.truth import circuits, truth
from zoo.commands.verify import verify
from zoo.jit_cache import keep_compiled_functions

ROOT = Path(__file__).parents[1]
"""Where `pyproject.toml` is in a checkout."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Transformers whose circuits are known and proven.",
)
app.command("list")(list_programs)
app.command("show")(show)
app.command("run")(run)
app.command("compile")(compile_program)
app.command("rasp")(rasp)
app.command("sample")(sample)
app.command("verify")(verify)
app.command("train")(train)
app.command("compress")(compress)
app.command("superpose")(superpose)
app.command("components")(components)
app.command("questions")(questions)
app.command("audit")(audit)
app.command("export")(export)
app.command("releases")(releases)
app.command("card")(card)
app.command("site")(site)
app.command("download")(download)
app.command("publish")(publish)
app.add_typer(index, name="index")
app.command("truth")(truth)
app.command("circuits")(circuits)
app.command("score")(score)
app.command("score-program")(score_program)
app.command("score-trojan")(score_trojan)
app.command("evaluate")(evaluate)
app.command("leaderboard")(leaderboard)
app.command("submit")(submit)
app.command("build")(build)
app.command("arena")(arena)


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"circuitzoo {_version()}")
        raise typer.Exit
    return wanted


def _version() -> str:
    """Return the version: of the checkout that this runs from, or as installed."""
    import tomllib
    from importlib.metadata import PackageNotFoundError, version

    try:
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        if project["name"] == "circuitzoo":
            return project["version"]
    except (OSError, ValueError, KeyError):
        pass  # no checkout: what stands beside the package is anybody's
    try:
        return version("circuitzoo")
    except PackageNotFoundError:
        return "of an unknown version: it is not installed"


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; a user's mistake ends it with status 2 and a message."""
    keep_compiled_functions()
    try:
        # What comes from elsewhere is escaped where it is shown, by every command.
        with escaped_output():
            app()
    except ZooError as error:
        _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except RecursionError:
        _fail("something that was read holds lists in lists without end")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None


def _fail(message: str) -> None:
    print(f"error: {escape_lines(message)}", file=sys.stderr)
    raise SystemExit(2)
