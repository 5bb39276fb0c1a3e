"""`zoo.sample`: random programs of a goal, as many as are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.rasp.values import Value
    from programs.facts import OutputType
    from zoo.sampling.program import SampledSuite


def sample(
    n: int = 100,
    *,
    layers: int = 2,
    heads: int = 1,
    output: OutputType | None = None,
    families: str | Sequence[str] | None = None,
    vocab: Iterable[Value] | None = None,
    max_len: int = 6,
    causal: bool = False,
    local: bool = False,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: bool | Callable[[int, int], None] = True,
) -> SampledSuite:
    """Return random RASP programs that are all different and use all their parts.

    Each is built backwards from the goal, so that its compiled model has the layers and
    heads that are asked for. Equal arguments give equal programs, on any machine, and
    a greater `n` gives the same programs and more.

    Args:
        n: number of programs.
        layers: attention layers of each compiled model, 1 to 8.
        heads: attention heads in each layer, 1 to 4.
        output: `categorical` (tokens), `numerical` or `boolean`; any if None.
        families: what heads may compute: some of counts, lookups, rules and means, as
            a list or with commas between; all if None.
        vocab: the tokens, all strings or all integers; `abcd` if None.
        max_len: the greatest number of tokens, 2 to 12.
        causal: whether positions see only themselves and earlier ones.
        local: whether functions of one token and its position are kept too.
        seed: of all random choices.
        out: a folder to write the programs to; nothing is written if None.
        force: whether a suite that is in that folder may be replaced.
        progress: whether it is shown how far it is; or a function that is called with
            (programs so far, programs in all).

    Returns:
        the programs with their figures, and why others were not kept.

    Raises:
        InputError: an argument cannot be used, or the folder holds something.
        NameLookupError: no output or family has that name.
        ZooError: 2000 draws in a row gave no further program.
    """
    from zoo.progress import show_progress
    from zoo.sampling.drawing import check_counts, draw_suite
    from zoo.sampling.goal import SampleGoal, read_families, read_tokens
    from zoo.sampling.suite import check_target, write_suite

    check_counts(n, seed)
    goal = SampleGoal(
        layers=layers,
        heads=heads,
        output=output,
        families=read_families(families),
        vocab=read_tokens(vocab),
        max_len=max_len,
        causal=causal,
        local=local,
    )
    if out is not None:
        check_target(out, force)
    with show_progress("sample", "programs", progress) as show:
        suite = draw_suite(goal, n, seed, show)
    if out is not None:
        write_suite(suite, out, force)
    return suite
