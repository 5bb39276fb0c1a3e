"""`zoo audit`: the certificate of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compiler.errors import InputError
from zoo.commands.options import (
    MaxLen,
    Seed,
    Source,
    Vocab,
    is_folder,
    open_model,
    progress,
    release_folder,
)

if TYPE_CHECKING:
    from compiler.model import Model


def audit(
    source: Source,
    pairs: Annotated[
        int, typer.Option(min=1, help="All pairs of inputs, or a sample of this size.")
    ] = 10_000,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Where the JSON goes; certificate.json in DIR by default."),
    ] = None,
    realism: Annotated[
        bool,
        typer.Option(
            "--realism",
            help="Also describe weights and activations, beside the compiled original.",
        ),
    ] = False,
    twin: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A natural twin, for --realism; DIR-twin by default, if it is there.",
        ),
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Patch every edge, node and variable; status 1 if one fails."""
    from zoo.threads import use_all_cores

    threads = use_all_cores()
    from compiler.files import write_atomically
    from zoo.auditing.certificate import audit as certify
    from zoo.auditing.table import table

    if twin is not None and not realism:
        raise InputError("--twin is for --realism; give both, or neither")
    model = open_model(source, vocab, max_len)
    beside = _beside(source, model, twin) if realism else {}
    certificate = certify(
        model, pairs=pairs, seed=seed, progress=progress("pairs"), threads=threads
    )
    numerical = model.readout.kind != "classes"
    print("\n".join(table(certificate, numerical=numerical)))
    if realism:
        from zoo.auditing.realism import describe, realism_of

        found = {name: realism_of(m, seed=seed) for name, m in beside.items()}
        print("\n".join(["", *describe(found)]))
    if out is None and is_folder(source) and release_folder(source) is None:
        out = Path(source) / "certificate.json"
    if out is not None:
        text = json.dumps(certificate.to_json(), indent=1) + "\n"
        write_atomically(out, text.encode())
        print(f"\nThe certificate is in {out}.")
    if not certificate.holds:
        raise typer.Exit(1)


def _beside(source: str, model: Model, twin: Path | None) -> dict[str, Model]:
    """Return the model, its compiled original and its natural twin, where they are."""
    import zoo
    from zoo.api import has_run

    models = {model.facts.get("kind", "compiled"): model}
    typed = model.typed
    if "compiled" not in models and model.name in zoo.programs():
        models["compiled"] = zoo.compile(model.name, typed.vocab, typed.max_len)
    folder = twin or Path(f"{source.rstrip('/')}-twin")
    if twin is not None or has_run(folder):
        models["twin"] = zoo.load(folder)
    return models
