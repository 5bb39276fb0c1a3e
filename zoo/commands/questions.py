"""`zoo questions`: questions about activations, with the interpreter's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.commands.options import ModelArgument, Seed, find


def questions(
    source: ModelArgument,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the questions and activations to this Parquet file."),
    ] = None,
    sites: Annotated[
        list[str] | None,
        typer.Option(
            "--site",
            help="Where activations are read, such as m0 or stream.1; may be repeated. "
            "By default each variable's own node, the first stream and the last.",
        ),
    ] = None,
    inputs: Annotated[
        int, typer.Option(min=1, help="The most inputs that activations are read from.")
    ] = 1_024,
    each: Annotated[
        int,
        typer.Option(min=1, help="Questions of one wording and answer in each split."),
    ] = 8,
    seed: Seed = 0,
) -> None:
    """Write questions about the activations of a model.

    Each row of the file has an activation, its site, a question about a variable in
    words, and the answer of the interpreter. In each split every answer to a question
    is as frequent as the others, so the text does not give it away.
    """
    target = find(source)
    from zoo.threads import use_one_thread

    use_one_thread()
    from compiler.files import check_parent, write_atomically
    from zoo.reading.answers import score_answers
    from zoo.reading.questions import questions as ask

    if out is not None:
        check_parent(out)
    asked = ask(target.exact, sites=sites or None, inputs=inputs, each=each, seed=seed)
    print(score_answers(asked))
    if out is not None:
        write_atomically(out, asked.to_parquet())
        print(f"\n{len(asked)} questions, written to {out}")
