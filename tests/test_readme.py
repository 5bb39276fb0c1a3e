"""What README and guide show is what happens: code runs, to the results beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.compiler.interchange.models import needs, untrained

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")


def blocks(heading: str, text: str = GUIDE) -> list[str]:
    """Return the Python of one section, block by block."""
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def check(code: str, space: dict[str, Any]) -> int:
    """Run code, and return how many of its expressions had the result beside them.

    A comment after an expression is its result, or what stands before `, ..`.
    """
    found = 0
    for statement in ast.parse(code).body:
        lines = code.splitlines()[statement.lineno - 1 : statement.end_lineno]
        comment = lines[-1].partition("  # ")[2]
        shown = comment.partition(", ..")[0]
        text = ast.unparse(statement)
        if isinstance(statement, ast.Expr) and shown[:1] in tuple("[(<S"):
            result = repr(eval(text, space))
            assert result == shown or result.startswith(f"{shown}, "), text
            found += 1
        else:
            exec(text, space)
    return found


def test_the_three_jobs_of_the_readme_do_what_they_show():
    needs("torch"), needs("transformers")
    space: dict[str, Any] = {}
    jobs = (
        "Compile a program",
        "Load a model whose circuit is known",
        "Score a method",
    )
    found = [sum(check(code, space) for code in blocks(job, README)) for job in jobs]
    assert found == [3, 1, 0]
    assert space["report"].average_precision > 0.5 and space["used"].witness
    assert [c.error for c in space["table"].cells] == [""] * 3


def test_the_figures_of_the_readme_are_those_of_the_releases():
    import zoo
    from zoo.release.shelf import circuit_sizes

    every = zoo.releases()
    trained = [r for r in every if r["kind"] == "trained"]
    compiled = [r for r in every if r["kind"] == "compiled"]
    sizes = [circuit_sizes(r["name"], r["version"])["nodes"] for r in trained]
    assert f"{len(trained)} trained, {len(compiled)} compiled" in README
    assert f"{sizes.count(1)} of the {len(trained)} trained" in README
    sort = next(r for r in every if r["name"] == "sort-siit")
    assert f"trained model: {sort['edges']} of {sort['of_edges']} edges" in README
    assert min(sort["claims"][c] for c in ("edges", "all edges at once")) >= 0.997
    assert f"shows {len(zoo.programs())} programs" in README


def test_compile_and_look_inside_do_what_they_show():
    space: dict[str, Any] = {}
    compiling, looking = blocks("Compile"), blocks("Look inside")
    assert len(compiling) == len(looking) == 2
    found = [check(code, space) for code in (*compiling, *looking)]
    assert found == [1, 0, 5, 3]


@pytest.mark.slow
def test_use_elsewhere_does_what_it_shows(tmp_path):
    import zoo

    needs("torch"), needs("transformer_lens"), needs("transformers")
    gpt = untrained(act="gelu", causal=True, norm="pre")
    space: dict[str, Any] = {"zoo": zoo, "gpt": gpt}
    in_lens, in_hugging_face = blocks("Use elsewhere")
    assert check(in_lens, space) == 1
    in_hugging_face = in_hugging_face.replace("out/gpt", str(tmp_path / "gpt"))
    *setup, last = in_hugging_face.strip().splitlines()
    check("\n".join(setup), space)
    assert eval(last, space) is True


def test_another_result_is_found():
    with pytest.raises(AssertionError, match="list"):
        check("list('ab')  # ['b', 'a']", {})


def test_every_command_and_option_is_there():
    import typer

    from zoo.cli import app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    text = README + GUIDE
    for name, rest in re.findall(r"^ {4}\$ zoo ([\w-]+)(.*)$", text, re.MULTILINE):
        options = {o for p in commands[name].params for o in p.opts}
        given = re.findall(r"(--[a-z-]+)", rest.partition("  #")[0])
        assert set(given) <= options, f"zoo {name}{rest}"
