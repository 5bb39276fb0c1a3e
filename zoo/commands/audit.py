"""`zoo audit`: the certificate of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compiler.errors import InputError
from zoo.commands.options import MaxLen, ModelArgument, Vocab, find, open_model

if TYPE_CHECKING:
    from compiler.model import Model
    from zoo.lookup import ResolvedName


def audit(
    source: ModelArgument,
    pairs: Annotated[
        int,
        typer.Option(
            min=1,
            help="Run all pairs of inputs if there are at most this many, else a "
            "random sample of this size.",
        ),
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of the random sample.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the certificate to this JSON file; of a model in a folder, "
            "certificate.json in it by default."
        ),
    ] = None,
    realism: Annotated[
        bool,
        typer.Option(
            "--realism",
            help="Also describe weights and activations, next to those of the compiled "
            "model and of the natural twin, if these exist.",
        ),
    ] = False,
    twin: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The natural twin (trained on behaviour alone) that --realism "
            "describes; DIR-twin by default, if it is there.",
        ),
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Test a circuit: patch every edge, node and variable.

    The exit status is 1 if a claim fails.
    """
    if twin is not None and not realism:
        raise InputError("--twin is for --realism; give both, or neither")
    target = find(source)
    from zoo.threads import use_all_cores

    threads = use_all_cores()
    import zoo
    from compiler.files import write_atomically
    from zoo.auditing.table import table

    model = open_model(target, vocab, max_len)
    beside = _beside(source, model, twin) if realism else {}
    certificate = zoo.audit(model, pairs=pairs, seed=seed, threads=threads)
    numerical = model.readout.kind != "classes"
    print("\n".join(table(certificate, numerical=numerical)))
    if realism:
        from zoo.auditing.realism import describe, realism_of

        found = {name: realism_of(m, seed=seed) for name, m in beside.items()}
        print("\n".join(["", *describe(found)]))
    if out is None:
        out = _place(target)
    if out is not None:
        text = json.dumps(certificate.to_json(), indent=1) + "\n"
        write_atomically(out, text.encode())
        print(f"\nThe certificate is in {out}.")
    if not certificate.holds:
        raise typer.Exit(1)


def _place(target: ResolvedName) -> Path | None:
    """Return where the certificate goes by default: into the folder, if no release."""
    if target.folder is None or target.release is not None:
        return None
    return target.folder / "certificate.json"


def _beside(source: str, model: Model, twin: Path | None) -> dict[str, Model]:
    """Return the model, its compiled original and its natural twin, where they are."""
    import zoo

    models = {model.facts.get("kind", "compiled"): model}
    typed = model.typed
    if "compiled" not in models and model.name in zoo.programs():
        models["compiled"] = zoo.compile(model.name, typed.vocab, typed.max_len)
    folder = twin or Path(f"{source.rstrip('/')}-twin")
    if twin is not None or zoo.has_run(folder):
        models["twin"] = zoo.load(folder)
    return models
