"""`zoo audit`: the certificate of a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

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
        typer.Option("--realism", help="Also describe weights and activations."),
    ] = False,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Patch every edge, node and variable; status 1 when a claim fails."""
    from zoo.training.threads import use_one_thread

    use_one_thread()
    from zoo.auditing.certificate import audit as certify
    from zoo.auditing.table import table
    from zoo.files import write_atomically

    model = open_model(source, vocab, max_len)
    certificate = certify(model, pairs=pairs, seed=seed, progress=progress("pairs"))
    numerical = model.readout.kind != "classes"
    print("\n".join(table(certificate, numerical=numerical)))
    if realism:
        from zoo.auditing.realism import describe, realism_of

        print("\n".join(["", *describe(realism_of(model, seed=seed))]))
    if out is None and is_folder(source) and release_folder(source) is None:
        out = Path(source) / "certificate.json"
    if out is not None:
        text = json.dumps(certificate.to_json(), indent=1) + "\n"
        write_atomically(out, text.encode())
        print(f"\nThe certificate is in {out}.")
    if not certificate.holds:
        raise typer.Exit(1)
