"""`zoo superpose`: a transformer that computes more ANDs than it has neurons."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo.commands.options import check_free


def superpose(
    n_inputs: Annotated[
        int,
        typer.Argument(
            metavar="INPUTS",
            help="How many inputs there are, best the square of a prime: 25, 49.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to save the model in.")],
    sparsity: Annotated[
        int, typer.Option(help="How many inputs may be on at once, 2 to 12.")
    ] = 2,
    d_mlp: Annotated[
        int | None,
        typer.Option(help="The most neurons; the least that will do if not given."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the sets of inputs that neurons read.")
    ] = 0,
    rotate: Annotated[
        int | None,
        typer.Option(help="Rotate the residual stream into a random basis, by seed."),
    ] = None,
    zipf: Annotated[
        float,
        typer.Option(help="Exponent of the frequencies of the inputs, 0 for alike."),
    ] = 0.0,
    together: Annotated[
        float,
        typer.Option(help="Probability that an input comes with its partner."),
    ] = 0.0,
    nested: Annotated[
        float,
        typer.Option(help="Share of inputs that are never on without their parent."),
    ] = 0.0,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model that is in --out already.")
    ] = False,
) -> None:
    """Compile ANDs of many inputs into few neurons, with a bound.

    The bound says how far a reading of an AND can be from 0 or 1, for any input with
    at most --sparsity literals. It is computed from the weights, and then measured in
    runs. The exit status is 1 if it does not prove every answer right.
    """
    check_free(out, force)
    import zoo

    model = zoo.superpose(
        n_inputs,
        sparsity=sparsity,
        d_mlp=d_mlp,
        seed=seed,
        rotate=rotate,
        zipf=zipf,
        together=together,
        nested=nested,
    )
    zoo.save(model, out, overwrite=force)
    bound, features = zoo.bound_readings(model), model.features
    assert features is not None
    print(
        f"{out}: {bound.ands:,} ANDs by {bound.neurons} neurons; "
        f"{len(features.names):,} features in {model.config.d_model} dimensions"
    )
    print(
        f"with at most {bound.sparsity} inputs on, an AND that is false reads at most "
        f"{bound.error:.4f},"
    )
    print(
        f"one that is true at least {bound.true_at_least:.4f}; the answer is True "
        f"above {bound.threshold:.4f}",
        flush=True,
    )
    found = zoo.measure_readings(model)
    what = "all" if found.complete else "the worst and random"
    print(
        f"in runs on {what} {found.sets:,} sets of inputs: at most {found.false:.4f}, "
        f"at least {found.true:.4f}"
    )
    if not bound.holds:
        sys.stdout.flush()
        raise typer.Exit(1)
