"""`zoo show`: a program or a model, explained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from zoo.commands.options import MaxLen, Source, Vocab, is_folder, read_vocab


def show(
    source: Source,
    emit: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE",
            help="Print one stage of the compiler instead: program, graph, typed, "
            "scheduled, laid_out or compiled.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write the circuit's picture there: .svg or .png."),
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Show the program, its variables, schedule, circuit and sizes."""
    import zoo
    from compiler.api import to_model
    from compiler.emit import emit as emit_stage
    from compiler.errors import InputError
    from compiler.pipeline import STAGES, compile_stages, read_source
    from zoo.api import find
    from zoo.commands.options import open_model
    from zoo.picture import check_format, save_picture
    from zoo.show import show_model

    if picture is not None:
        check_format(picture)
    if emit is not None and emit not in STAGES:
        raise InputError(
            f"--emit: no stage is named {emit!r}; the stages are {', '.join(STAGES)}"
        )
    stages = None
    if is_folder(source):
        if emit is not None:
            raise InputError(
                f"--emit needs a program's name, and {source} names a folder; of a "
                "saved model only the last stage is left"
            )
        model = open_model(source, vocab, max_len)
    else:
        read = read_source(find(source), read_vocab(vocab), max_len)
        stages = compile_stages(read)
        model = to_model(stages)
    if picture is not None:
        save_picture(model, picture)
    if emit is not None:
        assert stages is not None
        print(emit_stage(stages, emit))
        return
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    print("\n".join(show_model(model, stages, width)))
    if picture is not None:
        print(f"\nThe picture is in {picture}.")
    if zoo.has_run(source):
        from zoo.curves import save_curves

        path = Path(source) / "training.png"
        save_curves(Path(source), path)
        print(f"\nThe training's curves are in {path}.")
