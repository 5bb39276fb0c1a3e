"""`zoo show`: a program or a model, explained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from compiler.errors import InputError
from zoo.commands.options import MaxLen, ModelArgument, Vocab, find, read_vocab


def show(
    source: ModelArgument,
    emit: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE",
            help="Print one stage of the compiler instead: program, graph, typed, "
            "scheduled, laid_out or compiled. Or the program as RASP text: rasp.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a picture of the circuit to this file, .svg or .png.",
        ),
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Show a program and its transformer, with the circuit.

    It prints the variables, the layers, the circuit and the sizes.

    For a training run it also plots the history, in the folder of the run.
    """
    target = find(source)
    if emit is not None and target.kind != "program":
        raise InputError(
            f"--emit needs a program's name, and {source} names a {target.kind}; of a "
            "saved model only the last stage is left"
        )
    if emit == "rasp":
        import zoo

        print(zoo.to_rasp(target.define(), read_vocab(vocab), max_len), end="")
        return
    from compiler.api import to_model
    from compiler.emit import emit as emit_stage
    from compiler.picture import check_format
    from compiler.pipeline import STAGES, compile_stages, read_source
    from zoo import lookup
    from zoo.description import show_model

    if picture is not None:
        check_format(picture)
    if emit is not None and emit not in STAGES:
        raise InputError(
            f"--emit: no stage is named {emit!r}; the stages are {', '.join(STAGES)}. "
            "`--emit rasp` prints the program as RASP text"
        )
    stages = None
    given = read_vocab(vocab)
    if target.kind == "program":
        stages = compile_stages(read_source(target.define(), given, max_len))
        model = to_model(stages)
    else:
        model = lookup.open_model(target, given, max_len)
    if picture is not None:
        model.picture().save(picture)
    if emit is not None:
        assert stages is not None
        print(emit_stage(stages, emit))
        return
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    print("\n".join(show_model(model, stages, width)))
    if picture is not None:
        print(f"\nThe picture is in {picture}.")
    if target.folder is not None and lookup.has_run(target.folder):
        from zoo.curves import save_curves

        path = target.folder / "training.png"
        save_curves(target.folder, path)
        print(f"\nThe training's curves are in {path}.")
