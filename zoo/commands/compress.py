"""`zoo compress`: a compiled model squeezed into a narrower stream."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.commands.options import (
    MaxLen,
    ModelArgument,
    Vocab,
    check_free,
    find,
    open_model,
)

if TYPE_CHECKING:
    from zoo.compression.compress import Compression, CompressionCheck


def compress(
    source: ModelArgument,
    d_model: Annotated[
        int,
        typer.Option(
            help="Width of the compressed stream, at most that of the compiled one."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to save the model in.")],
    steps: Annotated[
        int | None, typer.Option(min=1, help="Take at most this many optimizer steps.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Number of inputs in each step.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The peak learning rate of Adam.")
    ] = None,
    layers: Annotated[
        float | None,
        typer.Option(
            help="Weight of the loss that reconstructs what heads and MLPs write."
        ),
    ] = None,
    accuracy_at_least: Annotated[
        float | None,
        typer.Option(
            help="Stop once accuracy on held-out inputs reaches this; 0.999 by default."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the projection and of the inputs.")
    ] = 0,
    vocab: Vocab = None,
    max_len: MaxLen = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model that is in --out already.")
    ] = False,
) -> None:
    """Compress the stream of a compiled model.

    In the narrower stream features overlap.
    The circuit stays the same; the model is saved with the direction of every feature.
    The exit status is 1 if the steps were used up before the accuracy was reached; the
    model is saved all the same.
    """
    target = find(source)
    check_free(out, force)
    from zoo.threads import use_one_thread

    use_one_thread()
    import zoo
    from zoo.compression.compress import compress as squeeze
    from zoo.compression.settings import make_settings

    given: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "layers": layers,
        "accuracy_at_least": accuracy_at_least,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    settings = make_settings(d_model, {**changes, "seed": seed})
    model = open_model(target, vocab, max_len)
    print(f"{model.name}: d_model {model.config.d_model} to {d_model}", flush=True)
    made = squeeze(model, settings, _show)
    zoo.save(made.model, out, overwrite=force)
    _finish(made, out)


def _show(history: tuple[CompressionCheck, ...]) -> None:
    """Print one check; a headline before the first."""
    check = history[-1]
    if len(history) == 1:
        print("on held-out inputs; layers: squared error of what heads and MLPs write")
        print("\n   step  accuracy   output   layers")
    print(
        f"{check.step:>7} {check.accuracy:>9.4f} {check.output:>8.4f} "
        f"{check.layers:>8.4f}",
        flush=True,
    )


def _finish(made: Compression, out: Path) -> None:
    """Print how it ended, and how much the features overlap."""
    features, wanted = made.features, made.settings.accuracy_at_least
    step, passed = made.history[-1].step, made.outcome == "passed"
    words = "at least" if passed else "the steps are used up, and it is below"
    print(f"\nstep {step}: accuracy {made.accuracy:.4f}; {words} {wanted}")
    if not made.disjoint:
        print("There are few inputs: those of the checks were learned from, too.")
    print(
        f"{len(features.names)} features in {made.settings.d_model} dimensions; the "
        f"greatest cosine of two is {features.overlap:.3f}"
    )
    print(f"The model is in {out}; zoo audit {out} writes its certificate.")
    if made.outcome != "passed":
        sys.stdout.flush()
        raise typer.Exit(1)
