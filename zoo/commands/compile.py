"""`zoo compile`: a program into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compiler.errors import count
from zoo.commands.options import MaxLen, Vocab, check_free, find, read_vocab


def compile_program(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE[:NAME]",
            help="The program; `zoo list` has all. Or a file of yours that defines "
            "one, in Python (.py) or as RASP text (.rasp).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to save the model in.")],
    vocab: Vocab = None,
    max_len: MaxLen = None,
    causal: Annotated[
        bool | None,
        typer.Option(
            "--causal/--bidirectional",
            help="Whether positions see only earlier ones; as the program says by "
            "default.",
            show_default=False,
        ),
    ] = None,
    rotate: Annotated[
        int | None,
        typer.Option(help="Rotate the residual stream into a random basis, by seed."),
    ] = None,
    permute_heads: Annotated[
        int | None,
        typer.Option(help="Put each layer's heads into a random order, by seed."),
    ] = None,
    decoys: Annotated[
        int,
        typer.Option(min=0, help="Add this many decoy heads to each layer."),
    ] = 0,
    beside: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Compute a second program in the same weights; nothing reads it.",
        ),
    ] = None,
    max_table: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Refuse functions of more than this many combinations of arguments.",
        ),
    ] = None,
    max_domain: Annotated[
        int | None,
        typer.Option(min=1, help="Refuse variables with more than this many values."),
    ] = None,
    max_parameters: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Refuse models with more parameters than this; 20,000,000 by default.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the heads that --decoys adds.")
    ] = 0,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="ARCHITECTURE",
            help="Compile into this architecture, gpt2 or bert: Hugging Face "
            "transformers loads --out then.",
        ),
    ] = None,
    norm: Annotated[
        str | None,
        typer.Option(
            metavar="NORM",
            help="The norm in front of every reader: none, pre (LayerNorm) or rms.",
        ),
    ] = None,
    act: Annotated[
        str | None,
        typer.Option(
            metavar="ACT", help="The activation: relu, gelu, gelu_new or silu."
        ),
    ] = None,
    gated: Annotated[
        bool | None,
        typer.Option("--gated", help="Make the MLPs gated; with --act silu or gelu."),
    ] = None,
    generate: Annotated[
        bool | None,
        typer.Option(
            "--generate",
            help="Take the output at the last token as the next token: `zoo run "
            "--generate` then runs the program.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model that is in --out already.")
    ] = False,
) -> None:
    """Compile a program into a transformer, and save that."""
    from zoo.lookup import COMPILED

    program = find(name, COMPILED).define()
    check_free(out, force)
    import zoo

    model = zoo.compile(
        program,
        read_vocab(vocab),
        max_len,
        causal=causal,
        max_table=max_table,
        max_domain=max_domain,
        max_parameters=max_parameters,
        rotate=rotate,
        permute_heads=permute_heads,
        decoys=decoys,
        beside=beside,
        seed=seed,
        like=like,
        norm=norm,
        act=act,
        gated=gated,
        generate=generate,
    )
    zoo.save(model, out, overwrite=force)
    config = model.config
    print(
        f"{out}: {model.name}, {count(config.n_layers, 'layer')}, "
        f"{count(config.n_heads, 'head')}, d_model {config.d_model}, "
        f"{config.n_params:,} parameters; the circuit has "
        f"{count(len(model.circuit.edges), 'edge')}"
    )
