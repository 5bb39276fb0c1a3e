"""`zoo score`: what scores of edges are worth, beside three baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.errors import InputError
from zoo.commands.options import ModelArgument, Seed, find

BASELINES = ("random", "weight-norm", "eap")


def score(
    model: ModelArgument,
    scores: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The scores, one for each edge: .json, .csv, .npy or .pt.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(help="The format of the file, where it cannot be recognised."),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|lowest",
            help="The score of edges that the file has none for: a number, or 'lowest' "
            "to rank them last. Without it, such a file is refused.",
        ),
    ] = None,
    absolute: Annotated[
        bool,
        typer.Option("--absolute", help="Rank edges by the absolute value of scores."),
    ] = False,
    granularity: Annotated[
        str | None,
        typer.Option(
            help="What is ranked: qkv (edges into q, k and v), head (edges between "
            "nodes), node, or position (edges at each position of their reader); as "
            "fine as the file by default."
        ),
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE|own",
            help="Score edges at roles of tokens, not at positions: the values of a "
            "variable, or the roles that the program says (`own`), such as S1 and IO.",
        ),
    ] = None,
    convention: Annotated[
        str,
        typer.Option(
            help="How the AUROC is computed: exact (ties count half), or as other "
            "tools do: acdc, auto-circuit, mib, ten-sizes; see docs/scoring.md."
        ),
    ] = "exact",
    ablation: Annotated[
        str,
        typer.Option(
            help="What a patched edge carries: resample (from a corrupt input), "
            "replacement (one token replaced), gaussian (noise on embeddings), mean, "
            "zero or optimal (the constant that hurts least)."
        ),
    ] = "resample",
    loss: Annotated[
        str,
        typer.Option(
            help="What the effect of a patch is measured by: difference (of the logits "
            "of two answers), probability (of the right one) or divergence (KL, from "
            "the unpatched outputs)."
        ),
    ] = "difference",
    positions: Annotated[
        str,
        typer.Option(
            help="The outputs that count: all at which the answers differ, or the one "
            "position that the data name."
        ),
    ] = "all",
    split: Annotated[
        str, typer.Option(help="The pairs that are used: test or train.")
    ] = "test",
    pairs: Annotated[
        int | None, typer.Option(min=1, help="The most pairs of inputs to use.")
    ] = None,
    shifted: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the pairs whose corrupt run has shifted positions; half by "
            "default, and none where the scores have one node for both embeddings.",
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Count this many edges as found; as many as the circuit has by "
            "default.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Count edges that score more than this as found instead."),
    ] = None,
    behaviour: Annotated[
        bool,
        typer.Option(help="Run the circuits too: curves, completeness and minimality."),
    ] = True,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the report to this JSON file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a plot to this PNG file.")
    ] = None,
) -> None:
    """Compare scores of edges with a model's true circuit.

    Three baselines are scored too. The report lists the edges that the scores missed,
    each with a pair of inputs that shows its effect.
    """
    from zoo.scoring.endings import check_file

    check_file(scores)
    target = find(model)
    from zoo.threads import use_one_thread

    use_one_thread()
    from compiler.files import check_parent
    from zoo.cases.case import open_case
    from zoo.cases.pairs import PAIRS, SHIFTED
    from zoo.methods import find_method
    from zoo.scoring.formats import read_scores
    from zoo.scoring.lines import report_lines
    from zoo.scoring.score import score as score_edges

    for path in filter(None, (out, plot)):
        check_parent(path)
    case = open_case(
        target.exact,
        split=split,
        pairs=PAIRS if pairs is None else pairs,
        ablation=ablation,
        loss=loss,
        positions=positions,
    )
    if granularity == "position" or roles is not None:
        at = SHIFTED if shifted is None else shifted
        case, train = case.with_shifts(at), case.split("train", shifted=at)
        lines, report = _at_positions(
            case, train, scores, roles, _policy(missing), absolute, k, seed
        )
        print("\n".join(lines))
        _keep(report, out, plot)
        return
    read = read_scores(case.names, scores, format, _policy(missing))
    if shifted is None:
        shifted = 0.0 if read.level.merged else SHIFTED  # as `zoo.score` does
    case = case.with_shifts(shifted)
    options: dict[str, Any] = {
        "granularity": granularity,
        "convention": convention,
        "k": k,
        "behaviour": behaviour,
        "seed": seed,
    }
    report = score_edges(case, read, absolute=absolute, threshold=threshold, **options)
    rows = [(scores.name, report)]
    train = case.split("train", shifted=shifted)
    for name in BASELINES:
        baseline = find_method(name)
        found = read_scores(case.names, baseline.run(train, 0)).at_level(read.level)
        by_size = baseline.magnitude
        label = f"|{name}|" if by_size else name
        rows.append((label, score_edges(case, found, absolute=by_size, **options)))
    print("\n".join(report_lines(report, rows)))
    _keep(report, out, plot)


def _at_positions(
    case: Any,
    train: Any,
    scores: Path,
    roles: str | None,
    missing: Any,
    absolute: bool,
    k: int | None,
    seed: int,
) -> tuple[list[str], Any]:
    """Return the lines of a report of edges at positions, and the report."""
    from zoo.scoring.by_position import baselines_by_position, score_positions
    from zoo.scoring.lines import report_lines

    options: dict[str, Any] = {"roles": roles, "k": k, "seed": seed}
    report = score_positions(
        case, scores, missing=missing, absolute=absolute, **options
    )
    rows = [(scores.name, report)]
    for name, values in baselines_by_position(case, train, roles, seed).items():
        rows.append((name, score_positions(case, values, **options)))
    return report_lines(report, rows), report


def _keep(report: Any, out: Path | None, plot: Path | None) -> None:
    """Write the report and its plot where they are asked for."""
    from compiler.files import write_atomically

    if out is not None:
        text = json.dumps(report.to_json(), indent=1, allow_nan=False) + "\n"
        write_atomically(out, text.encode())
    if plot is not None:
        report.plot(plot)


def _policy(missing: str | None) -> Any:
    if missing is None or missing == "lowest":
        return missing
    try:
        return float(missing)
    except ValueError:
        raise InputError(
            f"--missing: found {missing!r}, expected a number or 'lowest'"
        ) from None
