"""`zoo compile`: a program into a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from compiler.errors import InputError, count
from zoo.commands.options import MaxLen, Vocab, read_vocab

# Parameters above which a model is slow to save, load and run.
_LARGE = 20_000_000


def compile_program(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A program's name.")],
    out: Annotated[Path, typer.Option(help="The folder to save the model in.")],
    vocab: Vocab = None,
    max_len: MaxLen = None,
    rotate: Annotated[
        int | None, typer.Option(help="Seed of a random basis of the stream.")
    ] = None,
    permute_heads: Annotated[
        int | None, typer.Option(help="Seed of a random order of the heads.")
    ] = None,
    decoys: Annotated[
        int, typer.Option(min=0, help="Heads a layer that nothing reads.")
    ] = 0,
    beside: Annotated[
        str | None, typer.Option(help="A second program in the same weights.")
    ] = None,
    max_table: Annotated[
        int | None, typer.Option(min=1, help="Most combinations of one table.")
    ] = None,
    max_domain: Annotated[
        int | None, typer.Option(min=1, help="Most values of one variable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What the decoys are drawn from.")] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the model that is there.")
    ] = False,
) -> None:
    """Compile a program and save its model in a folder."""
    import zoo

    if out.is_dir() and any(out.iterdir()) and not force:
        raise InputError(
            f"{out} is there already. Give another --out, or --force to replace the "
            "model in it"
        )
    model = zoo.compile(
        name,
        read_vocab(vocab),
        max_len,
        max_table=max_table,
        max_domain=max_domain,
        rotate=rotate,
        permute_heads=permute_heads,
        decoys=decoys,
        beside=beside,
        seed=seed,
    )
    zoo.save(model, out, overwrite=force)
    config = model.config
    if config.n_params > _LARGE:
        print(
            f"{model.name} has {config.n_params:,} parameters. A smaller --vocab or "
            "--max-len makes fewer values, and so a smaller model",
            file=sys.stderr,
        )
    print(
        f"{out}: {model.name}, {count(config.n_layers, 'layer')}, "
        f"{count(config.n_heads, 'head')}, d_model {config.d_model}, "
        f"{config.n_params:,} parameters; the circuit has "
        f"{count(len(model.circuit.edges), 'edge')}"
    )
