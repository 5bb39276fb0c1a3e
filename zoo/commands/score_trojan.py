"""`zoo score-trojan`: which of two models has a trojan, its trigger, its edges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.errors import InputError
from zoo.commands.options import Seed


def score_trojan(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIR",
            help="A program with a trojan, such as reverse_with_trojan; or a folder or "
            "a release with a model of one.",
        ),
    ],
    which: Annotated[
        int | None,
        typer.Option(
            metavar="0|1",
            help="The model of the pair that is said to have the trojan.",
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|PROGRAM",
            help="Which inputs are said to trigger it: a JSON file with a list of "
            "inputs; or a program, a file of one or RASP text, whose output at the "
            "last token says it.",
        ),
    ] = None,
    edges: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Scores of edges, or a circuit, in a format of `zoo score`.",
        ),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines",
            help="Score two baselines too: random scores, and exact patching of inputs "
            "with and without the trigger.",
        ),
    ] = False,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score claims on a trojan: its model, trigger and edges.

    A trojan pair is two models that are equal on every input without the trigger. The
    seed decides which of them is 0 and which is 1. The trigger is compared on all
    inputs, where they are at most 100,000.
    """
    from zoo.scoring.trojans import score_trojan as score

    if which is None and trigger is None and edges is None and not baselines:
        raise InputError("nothing is claimed: give --which, --trigger or --edges")
    claim = None if trigger is None else _read_trigger(trigger)
    report = score(name, which=which, trigger=claim, edges=edges, seed=seed)
    found = {"model": report.model, **_figures(report)}
    if baselines:
        found["baselines"] = _baselines(name, seed)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(_lines(found)))


def _read_trigger(text: str) -> Any:
    """Return a list of inputs, or what names a program."""
    path = Path(text)
    if path.suffix != ".json":
        return text
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"--trigger {text}: cannot be read: {error}") from None
    if not isinstance(read, list) or not all(isinstance(row, list) for row in read):
        raise InputError(
            f'--trigger {text}: expected a list of inputs, such as [["a","b"],["c"]]'
        )
    return read


def _figures(report: Any) -> dict[str, Any]:
    """Return the figures of what was claimed."""
    found: dict[str, Any] = {}
    if report.which is not None:
        found["which"] = report.which
    if report.trigger is not None:
        one = report.trigger
        found["trigger"] = {
            "precision": one.precision if one.claimed else None,
            "recall": one.recall,
            "f1": one.f1,
            "claimed": one.claimed,
            "triggered": one.triggered,
            "inputs": one.inputs,
            "all_inputs": one.complete,
            "missed": None if one.missed is None else list(one.missed),
            "spurious": None if one.spurious is None else list(one.spurious),
        }
    if report.where is not None:
        found["where"] = _where(report.where)
    return found


def _where(report: Any) -> dict[str, float | int]:
    return {
        "average_precision": report.average_precision,
        "auroc": report.auroc,
        "f1": report.f1,
        "edges": report.true,
    }


def _baselines(name: str, seed: int) -> dict[str, Any]:
    from zoo.cases.case import open_subject
    from zoo.methods import find_method
    from zoo.scoring.score import score
    from zoo.scoring.trojans import TROJANS, open_trojan, patch_by_class, trojan_case

    model = open_subject(name)[0]
    if name in TROJANS:
        pair = open_trojan(name, seed=seed)
        model = pair.models[pair.trojan]
    case = trojan_case(model)
    scores = {
        "random": find_method("random").run(case, seed),
        "patching by class": patch_by_class(model),
    }
    return {n: _where(score(case, s, behaviour=False)) for n, s in scores.items()}


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [found["model"]]
    if "which" in found:
        lines.append(f"  which    {'right' if found['which'] else 'wrong'}")
    if "trigger" in found:
        one = found["trigger"]
        share = one["precision"]
        precision = "undefined" if share is None else f"{share:.4f}"
        kind = "all inputs" if one["all_inputs"] else "a sample of inputs"
        lines += [
            f"  trigger  precision {precision}, recall {one['recall']:.4f}, "
            f"F1 {one['f1']:.4f}",
            f"           {one['triggered']:,} of {one['inputs']:,} trigger it ({kind}),"
            f" {one['claimed']:,} are claimed",
        ]
        for what in ("missed", "spurious"):
            if one[what] is not None:
                lines.append(f"           {what}: {json.dumps(one[what])}")
    rows = [("where", found["where"])] if "where" in found else []
    rows += [(f"where, {n}", one) for n, one in found.get("baselines", {}).items()]
    for label, one in rows:
        lines.append(
            f"  {label}: AP {one['average_precision']:.4f}, AUROC {one['auroc']:.4f}, "
            f"F1 {one['f1']:.4f}, of {one['edges']} edges"
        )
    return lines
