"""Every variable of every program, taken from another input: model = interpreter."""

from __future__ import annotations

from typing import Any

from benchmarks.exactness import chosen, short
from benchmarks.pool import run_all
from benchmarks.report import RESULTS, Table, Target

SETTINGS = {"pairs": 20_000, "seed": 0}
QUICK = {"pairs": 500, "seed": 0}


def check(model: Any, accepts: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return how interchanges of each variable compare with the interpreter's."""
    from compiler.verify import verify_interchange

    variables = []
    for name in model.circuit.sites:
        found = verify_interchange(model, name, accepts=accepts, **settings)
        variables.append(
            {
                "variable": name,
                "pairs": found.inputs,
                "complete": found.complete,
                "positions": found.positions,
                "undefined": found.undefined,
                "wrong": found.wrong,
                "worst": None if model.readout.kind == "classes" else found.worst,
                "example": None if found.example is None else str(found.example),
            }
        )
    return {
        "variables": variables,
        "without_site": len(model.typed.variables) - len(variables),
        "wrong": sum(v["wrong"] for v in variables),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return the sums over all variables, and those that stand out."""
    path = None if quick else RESULTS / "interchange.jsonl"
    records = run_all(chosen(quick), check, QUICK if quick else SETTINGS, path)
    return {"settings": QUICK if quick else SETTINGS, **summarise(records)}


def summarise(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return sums, failures and wrong variables."""
    done = [r for r in records if "failure" not in r]
    every = [{"program": r["program"], **v} for r in done for v in r["variables"]]
    errors = [v["worst"] for v in every if v["worst"] is not None]
    keys = ("program", "failure")
    shown = ("program", "variable", "positions", "wrong", "example")
    return {
        "programs": len(records),
        "variables": len(every),
        "without_site": sum(r["without_site"] for r in done),
        "all_pairs": sum(v["complete"] for v in every),
        **{k: sum(v[k] for v in every) for k in ("pairs", "positions", "undefined")},
        "wrong_positions": sum(v["wrong"] for v in every),
        "worst": max(errors, default=0.0),
        "failures": [{k: r[k] for k in keys} for r in records if "failure" in r],
        "wrong": [{k: v[k] for k in shown} for v in every if v["wrong"]],
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the sums, then the variables that are wrong."""
    rows = [
        ("programs", f"{result['programs']:,}"),
        ("  that do not compile", f"{len(result['failures']):,}"),
        ("variables interchanged", f"{result['variables']:,}"),
        ("  over all pairs of inputs", f"{result['all_pairs']:,}"),
        ("  with a wrong output", f"{len(result['wrong']):,}"),
        ("variables without a site of their own", f"{result['without_site']:,}"),
        ("pairs", f"{result['pairs']:,}"),
        ("positions compared", f"{result['positions']:,}"),
        ("positions without a meaning, left out", f"{result['undefined']:,}"),
        ("positions wrong", f"{result['wrong_positions']:,}"),
        ("worst relative error of a number", f"{result['worst']:.1e}"),
    ]
    found = [
        Table(
            "Interchange: one variable from another input, model and interpreter",
            ("<", "<"),
            rows,
            (
                f"All pairs where there are at most {result['settings']['pairs']:,}, "
                "else a seeded sample of as many. One record a program: "
                "results/interchange.jsonl.",
            ),
        )
    ]
    bad = [(r["program"], "", "fails", short(r["failure"])) for r in result["failures"]]
    bad += [
        (
            r["program"],
            r["variable"],
            f"{r['wrong']:,}",
            f"{r['wrong'] / r['positions']:.2%}",
        )
        for r in result["wrong"]
    ]
    if bad:
        header = ("<program", "<variable", "wrong", "<")
        found.append(Table("Variables whose interchange is not exact", header, bad))
    return found


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the share of variables that interchange exactly."""
    total = result["variables"]
    right = total - len(result["wrong"])
    met = right == total and not result["failures"]
    return [Target("interchanged variables", "all", f"{right} of {total}", met)]
