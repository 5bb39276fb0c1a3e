"""`zoo verify`: is the model what the program says?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compiler.errors import InputError, count
from zoo.commands.options import (
    MODEL_ARGUMENT,
    MaxLen,
    Seed,
    Vocab,
    open_model,
    progress,
    release_folder,
    shorten,
)
from zoo.grid import print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compiler.model import Model
    from compiler.verify import Verification
    from zoo.library_verification import LibraryVerification
    from zoo.release.verdict import Checked, FileCheck

MOST_SHOWN = 20
"""Differences that are printed."""
MOST_INPUTS = 1_000_000
"""Inputs of one model up to which all of them are run, if nothing else is said."""
FoundAsJsonOption = Annotated[
    bool,
    typer.Option(
        "--json", help="Print what was found as JSON: a row a program, or a file."
    ),
]


def verify(
    source: Annotated[str | None, MODEL_ARGUMENT] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Compile and compare every program of the library, in place of NAME.",
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of processes that check; goes with --all and --releases.",
        ),
    ] = None,
    releases: Annotated[
        bool,
        typer.Option("--releases", help="Check every release, in place of NAME."),
    ] = False,
    suite: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Check the releases of this suite; goes with --releases.",
        ),
    ] = None,
    interchange: Annotated[
        bool,
        typer.Option("--interchange", help="Also interchange every variable."),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Run all inputs if there are at most this many: a million by default, "
            "100,000 with --all.",
        ),
    ] = None,
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
    as_json: FoundAsJsonOption = False,
) -> None:
    """Compare models with the interpreter; status 1 if one errs.

    Of a release every file is compared with the one that follows from its weights,
    program, recipe and seed, and the audit is run again. What nothing can show is
    listed as taken on trust.
    """
    if suite is not None and not releases:
        raise InputError("--suite goes with --releases; leave it out for one model")
    if releases:
        if source is not None or every or interchange or vocab or max_len:
            raise InputError(
                "--releases checks published files: give it alone, or with --suite, "
                "--jobs, --quick and --json"
            )
        _verify_releases(suite or "", jobs or 1, quick, as_json)
        return
    if every:
        _refuse_beside_all(source, quick, vocab, max_len)
        _verify_library(jobs or 1, interchange, limit, sample, pairs, seed, as_json)
        return
    if source is None:
        raise InputError(
            "nothing to verify: name a folder, a release or a program, or give --all "
            "for every program of the library, or --releases"
        )
    if jobs is not None:
        raise InputError(
            "--jobs goes with --all and --releases; leave it out for a single model"
        )
    limit = MOST_INPUTS if limit is None else limit
    if (folder := release_folder(source)) is not None:
        _verify_release(folder, quick, as_json)
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
    options: dict[str, Any] = {"pairs": pairs, "seed": seed, "accepts": accepts}
    swaps = verify_variables(model, **options) if interchange else iter(())
    if as_json:
        found = replace(found, interchanges=dict(swaps))
        print_json([_as_row(model.name, found)])
        good = found.right
    else:
        print(_heading(model, found, sample, seed))
        print("\n".join(_figures(found)))
        good = found.wrong == 0 and _print_swaps(swaps, interchange)
    if not good:
        raise typer.Exit(1)


def _print_swaps(swaps: Iterator[tuple[str, Verification]], interchange: bool) -> bool:
    """Print how interchanges of each variable went; return whether all are right."""
    if interchange:
        print("\nEach variable taken from another input:")
    good = True
    for name, swapped in swaps:
        good = good and swapped.wrong == 0
        print(f"  {name:<28} {_tally(swapped, 'pairs')}")
        print("\n".join(_example(swapped)), end="\n" if swapped.wrong else "")
    return good


def _as_row(name: str, found: Verification) -> dict[str, Any]:
    """Return a comparison as `--json` prints it, with the keys of `--all`."""
    from zoo.library_verification import ProgramVerification, of_verification

    row: ProgramVerification = of_verification(name, found, found.interchanges)
    return row.as_row()


def _refuse_beside_all(
    source: str | None, quick: bool, vocab: str | None, max_len: int | None
) -> None:
    """Refuse what says which model, or how it is compiled, beside --all."""
    given = {
        f"the name {source!r}": source is not None,
        "--quick": quick,
        "--vocab": vocab is not None,
        "--max-len": max_len is not None,
    }
    if wrong := [name for name, is_given in given.items() if is_given]:
        raise InputError(
            f"--all compiles every program for its own vocabulary and length, so "
            f"{' and '.join(wrong)} cannot be given with it. Leave "
            f"{'it' if len(wrong) == 1 else 'them'} out, or leave --all out"
        )


def _verify_library(
    jobs: int,
    interchange: bool,
    limit: int | None,
    sample: int,
    pairs: int,
    seed: int,
    as_json: bool,
) -> None:
    from zoo.library_verification import LIMIT, verify_library

    found = verify_library(
        jobs=jobs,
        interchange=interchange,
        limit=LIMIT if limit is None else limit,
        sample=sample,
        pairs=pairs,
        seed=seed,
    )
    if as_json:
        print_json([one.as_row() for one in found.programs])
    else:
        print("\n".join(library_lines(found, sample, seed)))
    if not found.right:
        raise typer.Exit(1)


def _verify_releases(suite: str, jobs: int, quick: bool, as_json: bool) -> None:
    from zoo.release_verification import verify_releases

    found = verify_releases(suite, jobs=jobs, quick=quick)
    wrong = [one for one in found if not one.right]
    if as_json:
        print_json([{**vars(one), "right": one.right} for one in found])
    else:
        for one in wrong:
            print(shorten(f"{one.name}: {one.fault}", 80))
        how = "by their files, with no audit" if quick else "by files and audit"
        print(
            f"{count(len(found), 'release')}, checked {how}: {len(found) - len(wrong)} "
            f"right, {len(wrong)} not"
        )
    if wrong:
        raise typer.Exit(1)


def library_lines(found: LibraryVerification, sample: int, seed: int) -> list[str]:
    """Return a line for each program that fails, then the figures of all of them."""
    from textwrap import wrap

    every, failing, sampled = found.programs, found.failing, found.sampled
    lines = [shorten(f"{one.program}: {one.fault}", 80) for one in failing]
    lines += [
        f"{count(len(every), 'program')}: {len(every) - len(failing)} right, "
        f"{len(failing)} not right",
        f"  {len(every) - len(sampled) - sum(bool(p.failure) for p in every)} on all "
        f"their inputs, {len(sampled)} on a sample of {sample:,} (seed {seed})",
        f"  {sum(p.inputs for p in every):,} inputs, "
        f"{sum(p.positions for p in every):,} positions, "
        f"{sum(p.wrong for p in every):,} wrong",
    ]
    if undefined := sum(p.undefined for p in every):
        lines.append(f"  {undefined:,} positions have no meaning: left out")
    worst = max(every, key=lambda one: one.worst)
    lines += [
        f"  worst relative error of a number: {worst.worst:.2e} ({worst.program})",
        f"  {sum(p.compile_seconds for p in every):,.0f} CPU seconds to compile, "
        f"{sum(p.verify_seconds for p in every):,.0f} to compare",
    ]
    if sampled:
        names = ", ".join(one.program for one in sampled)
        lines += wrap(f"  sampled: {names}", 80, subsequent_indent="  ")
    return lines


def _verify_release(folder: Path, quick: bool, as_json: bool) -> None:
    from zoo.threads import use_all_cores

    threads = use_all_cores()
    from zoo.release.check import check_release

    found = check_release(
        folder, progress("pairs"), threads, quick=quick, on_stage=progress("stages")
    )
    if as_json:
        print_json([_check_as_row(check) for check in found.checks])
    else:
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
    if found.failure:
        statement = f"As its card says, {found.failure}. Do not use it as proven."
        lines += ["", *wrap(statement, 80)]
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


def _check_as_row(check: FileCheck) -> dict[str, Any]:
    """Return what was found for one file, as `--json` prints it."""
    differences = [str(difference) for difference in check.differences]
    return {"file": check.file, "how": check.how, "differences": differences}


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
