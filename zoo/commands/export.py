"""`zoo export`: a model becomes a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.errors import InputError
from zoo.commands.options import (
    MaxLen,
    ModelArgument,
    Vocab,
    audit_scope,
    find,
    read_vocab,
)


def export(
    source: ModelArgument,
    name: Annotated[
        str, typer.Option(help="Name of the release: small letters, digits, - and _.")
    ],
    version: Annotated[
        int,
        typer.Option(min=1, help="Version of the release; a version never changes."),
    ] = 1,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of releases to add it to.")
    ] = Path("releases"),
    pairs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Audit all pairs of inputs if there are at most this many, else a "
            "sample of this size; 10,000 by default, 2,000 for a quick audit.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the audit's draws.")] = 0,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Audit fewer pairs, with a shorter search."),
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Audit a sample of pairs alone.")
    ] = False,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove",
            help="Also bound what any donor can do, for each edge and node outside.",
        ),
    ] = False,
    claims_failed: Annotated[
        bool,
        typer.Option(
            "--claims-failed",
            help="Publish it though claims of the audit fail; its card says so.",
        ),
    ] = False,
    twin: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The run of its natural twin, published beside it; SOURCE-twin by "
            "default, if it is there.",
        ),
    ] = None,
    rotate: Annotated[
        int | None,
        typer.Option(help="Compile the program into a random basis, by seed."),
    ] = None,
    decoys: Annotated[
        int,
        typer.Option(
            min=0, help="Compile it with this many heads a layer that nothing reads."
        ),
    ] = 0,
    beside: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Compile a second program into the same weights; nothing reads it.",
        ),
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Audit a model, and write it as a release.

    A release is a folder of plain files.
    """
    from zoo.release.shelf import check_name

    check_name(name)
    scope = audit_scope(quick, sample, prove)
    target = find(source)
    from zoo.threads import use_all_cores

    threads = use_all_cores()
    import zoo

    how: Any = {
        "to": to,
        "pairs": pairs,
        "seed": seed,
        "scope": scope,
        "prove": prove,
        "claims_failed": claims_failed,
        "twin": twin,
        "threads": threads,
    }
    if decoys or beside is not None or rotate is not None:
        if target.kind != "program":
            raise InputError(
                "--rotate, --decoys and --beside compile a program: give its name, "
                f"not {source}"
            )
        model = zoo.compile(
            target.define(),
            read_vocab(vocab),
            max_len,
            rotate=rotate,
            decoys=decoys,
            beside=beside,
        )
        made = zoo.export(model, name, version, **how)
    else:
        given = None if vocab is None else read_vocab(vocab)
        made = zoo.export(
            target.folder or target.text,
            name,
            version,
            vocab=given,
            max_len=max_len,
            **how,
        )
    size = sum(f.stat().st_size for f in made.rglob("*") if f.is_file())
    print(f"{name}, version {version}: {made} ({size / 1024:,.0f} KiB)")
