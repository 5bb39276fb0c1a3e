"""`zoo export`: a model becomes a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.commands.options import MaxLen, Seed, Source, Vocab, open_model, progress

if TYPE_CHECKING:
    from compiler.model import Model


def export(
    source: Source,
    name: Annotated[str, typer.Option(help="The release's: small letters, - and _.")],
    version: Annotated[
        int, typer.Option(min=1, help="Of the release; a version never changes.")
    ] = 1,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of releases.")
    ] = Path("releases"),
    pairs: Annotated[
        int, typer.Option(min=1, help="Pairs of the audit: all, or a sample.")
    ] = 10_000,
    seed: Seed = 0,
    rotate: Annotated[
        int | None, typer.Option(help="Compile in a random basis of this seed.")
    ] = None,
    decoys: Annotated[
        int, typer.Option(min=0, help="Compile with this many idle heads a layer.")
    ] = 0,
    beside: Annotated[
        str | None, typer.Option(help="Compile this program in beside it.")
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Audit a model, and publish it as plain files."""
    from zoo.threads import use_all_cores

    threads = use_all_cores()
    from compiler.errors import InputError
    from zoo.auditing.certificate import audit
    from zoo.commands.options import is_folder, read_vocab
    from zoo.release.build import Draft, release_files
    from zoo.release.shelf import add, check_name

    check_name(name)
    options = {"rotate": rotate, "decoys": decoys, "beside": beside}
    if any(options.values()) or rotate is not None:
        import zoo

        if is_folder(source):
            raise InputError(
                "--rotate, --decoys and --beside compile a program: give its name, "
                f"not {source}"
            )
        model = zoo.compile(
            source,
            read_vocab(vocab),
            max_len,
            rotate=rotate,
            decoys=decoys,
            beside=beside,
        )
    else:
        model = open_model(source, vocab, max_len)
    recipe, history = _training(source, model)
    certificate = audit(
        model, pairs=pairs, seed=seed, progress=progress("pairs"), threads=threads
    )
    draft = Draft(name, version, model, certificate, recipe, history)
    files = release_files(draft)
    folder, fresh = add(to, name, version, files)
    size = sum(map(len, files.values()))
    said = "is written" if fresh else "was there already, the same to the byte"
    print(f"{name}, version {version}, {said}: {folder} ({size / 1024:,.0f} KiB)")


def _training(source: str, model: Model) -> tuple[str, list[dict]]:
    """Return (recipe, checks) of the training run that a model is from."""
    folder = Path(source)
    if model.facts.get("kind") != "trained" or not (folder / "recipe.toml").is_file():
        return "", []
    from compiler.errors import FormatError

    try:
        recipe = (folder / "recipe.toml").read_text(encoding="utf-8")
        history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(
            f"{folder}: the recipe or history of this run cannot be read ({error}). "
            "Resume the run, which writes both"
        ) from None
    return recipe, history
