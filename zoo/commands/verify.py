"""`zoo verify`: is the model what the program says?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compiler.errors import InputError
from zoo.commands.options import (
    MaxLen,
    ModelArgument,
    Seed,
    Vocab,
    open_model,
    progress,
    release_folder,
    shorten,
)

if TYPE_CHECKING:
    from compiler.model import Model
    from compiler.verify import Verification
    from zoo.release.verdict import Checked, FileCheck

MOST_SHOWN = 20
"""Differences that are printed."""


def verify(
    source: ModelArgument,
    interchange: Annotated[
        bool,
        typer.Option("--interchange", help="Also interchange every variable."),
    ] = False,
    limit: Annotated[
        int, typer.Option(min=0, help="Run all inputs if there are at most this many.")
    ] = 1_000_000,
    sample: Annotated[
        int, typer.Option(min=1, help="Number of random inputs if there are more.")
    ] = 20_000,
    pairs: Annotated[
        int, typer.Option(min=1, help="Number of input pairs for each variable.")
    ] = 20_000,
    seed: Seed = 0,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Check only the files of a release; run no audit."
        ),
    ] = False,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Compare a model with the interpreter; status 1 if it errs.

    Of a release every file is compared with the one that follows from its weights,
    program, recipe and seed, and the audit is run again. What nothing can show is
    listed as taken on trust.
    """
    if (folder := release_folder(source)) is not None:
        _verify_release(folder, quick)
        return
    if quick:
        raise InputError(
            f"--quick leaves the audit of a release out, and {source} is no release. "
            "Leave --quick out"
        )
    from compiler.verify import verify_outputs, verify_variables
    from zoo.auditing.subject import accepts_of
    from zoo.causal.by_hand import task_of

    model = open_model(source, vocab, max_len)
    if task_of(model) is not None:
        raise InputError(
            f"{model.name} was trained on a causal model written by hand, and verify "
            f"compares with programs. Instead: zoo audit {source}"
        )
    accepts = accepts_of(model)
    found = verify_outputs(
        model,
        limit=limit,
        sample=sample,
        seed=seed,
        accepts=accepts,
        progress=progress("inputs"),
    )
    print(_heading(model, found, sample, seed))
    print("\n".join(_figures(found)))
    good = found.wrong == 0
    if interchange:
        print("\nEach variable taken from another input:")
        every = verify_variables(model, pairs=pairs, seed=seed, accepts=accepts)
        for name, swapped in every:
            good = good and swapped.wrong == 0
            print(f"  {name:<28} {_tally(swapped, 'pairs')}")
            print("\n".join(_example(swapped)), end="\n" if swapped.wrong else "")
    if not good:
        raise typer.Exit(1)


def _verify_release(folder: Path, quick: bool) -> None:
    from zoo.threads import use_all_cores

    threads = use_all_cores()
    from zoo.release.check import check_release

    found = check_release(
        folder, progress("pairs"), threads, quick=quick, on_stage=progress("stages")
    )
    print("\n".join(release_lines(found)))
    if not found.right:
        raise typer.Exit(1)


def release_lines(found: Checked) -> list[str]:
    """Return what checking a release found, in 80 columns: a line a file, then why."""
    from textwrap import wrap

    from compiler.grid import align
    from zoo.release.shown import SAMPLED

    lines = [f"{found.name}, version {found.version}: {shorten(str(found.folder))}", ""]
    rows = [("file", "how it was checked", "result")]
    rows += [(c.file, c.how, _result(c)) for c in found.checks]
    lines += align(rows)
    if found.figures:
        statement = (
            f"The audit measured {found.figures:,} figures again. {found.exact:,} "
            "shares are exact: they are the same on every machine."
        )
        lines += ["", *wrap(statement, 80)]
    for figure in found.tolerated:
        statement = (
            f"within a tolerance of {figure.tolerance:,} outputs: {figure.figure}, "
            f"says {figure.stated:,}, measured {figure.measured:,}"
        )
        lines += wrap(statement, 78, initial_indent="- ", subsequent_indent="  ")
    if found.scope == "sample":
        lines += ["", *wrap(f"What its certificate did not test: {SAMPLED}", 80)]
    if found.trusted:
        lines += ["", "Taken on trust, for nothing here can show it:"]
    for sentence in found.trusted:
        lines += wrap(sentence, 78, initial_indent="- ", subsequent_indent="  ")
    wrong = found.differences
    if wrong:
        lines += ["", "Differences:"]
    for difference in wrong[:MOST_SHOWN]:
        lines += wrap(str(difference), 78, initial_indent="- ", subsequent_indent="  ")
    if len(wrong) > MOST_SHOWN:
        lines += [f"  and {len(wrong) - MOST_SHOWN:,} more"]
    verdict = (
        f"{len(wrong):,} differences: this release is not what it says."
        if wrong
        else "No differences: apart from what is taken on trust, the release is what "
        "it says."
    )
    return [*lines, "", *wrap(verdict, 80)]


def _result(check: FileCheck) -> str:
    count = len(check.differences)
    if count:
        return f"{count} difference{'s' * (count != 1)}"
    return "form right" if check.how == "taken on trust" else "right"


def _heading(model: Model, found: Verification, sample: int, seed: int) -> str:
    typed = model.typed
    setting = f"{len(typed.vocab)} tokens, lengths 1..{typed.max_len}"
    which = "all inputs" if found.complete else f"a sample of {sample:,}, seed {seed}"
    return f"{model.name}, {setting}: {which}"


def _tally(found: Verification, unit: str) -> str:
    which = "all" if found.complete else "sampled"
    return (
        f"{found.inputs:,} {unit} ({which}), {found.positions:,} positions, "
        f"{found.wrong:,} wrong"
    )


def _figures(found: Verification) -> list[str]:
    lines = [f"  {_tally(found, 'inputs')}"]
    if found.undefined:
        lines.append(f"  {found.undefined:,} positions have no meaning: left out")
    if found.margin < float("inf"):
        lines.append(f"  least margin of the right logit: {found.margin:.3g}")
    else:
        lines.append(f"  worst relative error of a number: {found.worst:.2e}")
    return [*lines, *_example(found)]


def _example(found: Verification) -> list[str]:
    if found.example is None:
        return []
    example = found.example
    donor = "" if example.donor is None else f", {example.variable} of {example.donor}"
    return [
        f"  for example, on {shorten(str(list(example.tokens)))}{donor}",
        f"    expected {list(example.expected)}",
        f"    found    {list(example.found)}",
    ]
