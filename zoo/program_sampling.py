"""`zoo.sample`: random programs of a goal, as many as are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, overload

if TYPE_CHECKING:
    from compiler.rasp.values import Value
    from programs.facts import OutputType
    from zoo.sampling.dataset import SampledDataset
    from zoo.sampling.goal import GoalChoices
    from zoo.sampling.program import SampledSuite

    SampleFormat = Literal["rasp", "dataset"]

FORMATS = ("rasp", "dataset")


@overload
def sample(
    n: int = 100,
    *,
    layers: int | str | Sequence[int] = 2,
    heads: int | str | Sequence[int] = 1,
    output: OutputType | None = None,
    families: str | Sequence[str] | None = None,
    vocab: Iterable[Value] | None = None,
    max_len: int = 6,
    causal: bool = False,
    local: bool = False,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    format: Literal["rasp"] = "rasp",
    shard: int = 1000,
    test: float = 0.1,
    jobs: int = 1,
    force: bool = False,
    progress: bool | Callable[[int, int], None] = True,
) -> SampledSuite: ...
@overload
def sample(
    n: int = 100,
    *,
    layers: int | str | Sequence[int] = 2,
    heads: int | str | Sequence[int] = 1,
    output: OutputType | None = None,
    families: str | Sequence[str] | None = None,
    vocab: Iterable[Value] | None = None,
    max_len: int = 6,
    causal: bool = False,
    local: bool = False,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    format: Literal["dataset"],
    shard: int = 1000,
    test: float = 0.1,
    jobs: int = 1,
    force: bool = False,
    progress: bool | Callable[[int, int], None] = True,
) -> SampledDataset: ...
def sample(
    n: int = 100,
    *,
    layers: int | str | Sequence[int] = 2,
    heads: int | str | Sequence[int] = 1,
    output: OutputType | None = None,
    families: str | Sequence[str] | None = None,
    vocab: Iterable[Value] | None = None,
    max_len: int = 6,
    causal: bool = False,
    local: bool = False,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    format: SampleFormat = "rasp",
    shard: int = 1000,
    test: float = 0.1,
    jobs: int = 1,
    force: bool = False,
    progress: bool | Callable[[int, int], None] = True,
) -> SampledSuite | SampledDataset:
    """Return random RASP programs that are all different and use all their parts.

    Each is built backwards from the goal, so that its compiled model has the layers and
    heads that are asked for. Equal arguments give equal programs, on any machine, and
    a greater `n` gives the same programs and more.

    Args:
        n: number of programs.
        layers: attention layers of each compiled model, 1 to 8; several, as `"2-5"`
            or a list, are drawn equally often.
        heads: attention heads in each layer, 1 to 4; or several.
        output: `categorical` (tokens), `numerical` or `boolean`; any if None.
        families: what heads may compute: some of counts, lookups, rules and means, as
            a list or with commas between; all if None.
        vocab: the tokens, all strings or all integers; `abcd` if None.
        max_len: the greatest number of tokens, 2 to 12.
        causal: whether positions see only themselves and earlier ones.
        local: whether functions of one token and its position are kept too.
        seed: of all random choices.
        out: a folder to write the programs to; nothing is written if None.
        format: `rasp` for a suite of programs, or `dataset` for programs with their
            compiled models, as Parquet and safetensors files that
            `datasets.load_dataset(out)` reads. A dataset needs `out`. What is there of
            it is kept, so that a run that was stopped goes on.
        shard: models in a shard of a dataset, at most 10,000.
        test: share of functions in the test split of a dataset.
        jobs: how many processes draw. The result is the same. In a script, more than
            one needs `if __name__ == "__main__":` around the call.
        force: whether a suite or another dataset in that folder may be replaced.
        progress: whether it is shown how far it is; or a function that is called with
            (programs so far, programs in all).

    Returns:
        the programs with their figures, and why others were not kept. Of a dataset its
        folder and its figures; its programs are not kept in memory.

    Raises:
        InputError: an argument cannot be used, or the folder holds something.
        NameLookupError: no output or family has that name.
        ZooError: 2000 draws in a row gave no further program.
    """
    from compiler.errors import unknown_name
    from zoo.sampling.goal import (
        GoalChoices,
        SampleGoal,
        check_range,
        read_families,
        read_numbers,
        read_tokens,
    )

    if format not in FORMATS:
        raise unknown_name("format of sampled programs", str(format), FORMATS)
    check_range("jobs", jobs, 1, 64)
    goal = SampleGoal(
        output=output,
        families=read_families(families),
        vocab=read_tokens(vocab),
        max_len=max_len,
        causal=causal,
        local=local,
    )
    choices = GoalChoices.over(
        goal, read_numbers("layers", layers), read_numbers("heads", heads)
    )
    if format == "dataset":
        return _dataset(choices, n, seed, out, shard, test, jobs, force, progress)
    return _suite(choices, n, seed, out, jobs, force, progress)


def _suite(
    choices: GoalChoices,
    n: int,
    seed: int,
    out: str | os.PathLike[str] | None,
    jobs: int,
    force: bool,
    progress: bool | Callable[[int, int], None],
) -> SampledSuite:
    from zoo.progress import show_progress
    from zoo.sampling.drawing import check_counts, draw_suite
    from zoo.sampling.suite import check_target, write_suite

    check_counts(n, seed)
    if out is not None:
        check_target(out, force)
    with show_progress("sample", "programs", progress) as show:
        suite = draw_suite(choices, n, seed, show, jobs)
    if out is not None:
        write_suite(suite, out, force)
    return suite


def _dataset(
    choices: GoalChoices,
    n: int,
    seed: int,
    out: str | os.PathLike[str] | None,
    shard: int,
    test: float,
    jobs: int,
    force: bool,
    progress: bool | Callable[[int, int], None],
) -> SampledDataset:
    from compiler.errors import InputError
    from zoo.progress import show_progress
    from zoo.sampling.dataset import MOST_MODELS, write_dataset
    from zoo.sampling.dataset_folder import DatasetRequest
    from zoo.sampling.drawing import check_counts

    check_counts(n, seed, MOST_MODELS)
    if out is None:
        raise InputError("a dataset needs a folder: give out= (--out DIR)")
    request = DatasetRequest(choices, n, seed, shard, test)
    with show_progress("sample", "models", progress) as show:
        return write_dataset(request, out, force=force, jobs=jobs, show=show)
