"""Every variable of every program, taken from another input: model = interpreter."""

from __future__ import annotations

from typing import Any

from benchmarks.exactness import chosen, short
from benchmarks.pool import run_all
from benchmarks.report import RESULTS, Table, Target
from benchmarks.throughput import multiply_adds

# Pairs a variable, and multiply-adds a program: a second is good for some 1e10, and
# the few programs that would take an hour get fewer pairs, the same on any machine.
SETTINGS = {"pairs": 8_192, "least": 256, "work": 1e11, "seed": 0}
QUICK = {"pairs": 500, "least": 100, "work": 1e10, "seed": 0}


def pairs_of(model: Any, settings: dict[str, Any]) -> int:
    """Return how many pairs each variable of a model gets."""
    # A pair is two passes, and its patch goes over all writes a few times.
    config = model.config
    patch = 8 * len(config.names.sources) * config.n_ctx * config.d_model
    cost = len(model.circuit.sites) * (2 * multiply_adds(config) + patch)
    fitting = int(settings["work"] / max(1, cost))
    return min(settings["pairs"], max(settings["least"], fitting))


def check(model: Any, accepts: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return how interchanges of each variable compare with the interpreter's."""
    from compiler.verify import verify_interchange

    variables, pairs = [], pairs_of(model, settings)
    # A circuit has sites for recoded copies of variables too (`x.onehot`): these are
    # no variables of the program, and the interpreter has no word for setting one.
    for name in (v.name for v in model.variables.values() if v.site is not None):
        found = verify_interchange(
            model, name, pairs=pairs, seed=settings["seed"], accepts=accepts
        )
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
        "limit": pairs,
        "variables": variables,
        "without_site": len(model.typed.variables) - len(variables),
        "copies": len(model.circuit.sites) - len(variables),
        "wrong": sum(v["wrong"] for v in variables),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return the sums over all variables, and those that stand out."""
    path = None if quick else RESULTS / "interchange.jsonl"
    records = run_all(chosen(quick), check, QUICK if quick else SETTINGS, path)
    settings = QUICK if quick else SETTINGS
    return {"settings": settings, **summarise(records, settings["pairs"])}


def summarise(records: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return sums, failures and wrong variables; which had fewer than `limit` pairs."""
    done = [r for r in records if "failure" not in r]
    every = [{"program": r["program"], **v} for r in done for v in r["variables"]]
    errors = [v["worst"] for v in every if v["worst"] is not None]
    keys = ("program", "failure")
    shown = ("program", "variable", "positions", "wrong", "example")
    return {
        "programs": len(records),
        "variables": len(every),
        **{k: sum(r[k] for r in done) for k in ("without_site", "copies")},
        "fewer": sorted(
            {r["program"]: r["limit"] for r in done if r["limit"] < limit}.items(),
            key=lambda item: item[1],
        ),
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
        ("recoded copies of variables, left out", f"{result['copies']:,}"),
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
                f"else a seeded sample of as many; {_fewer(result)}. One record a "
                "program: results/interchange.jsonl.",
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


def _fewer(result: dict[str, Any]) -> str:
    """Return which programs get how many pairs for their size."""
    fewer = result["fewer"]
    if not fewer:
        return "no program gets fewer"
    program, least = fewer[0]
    return f"{len(fewer)} large programs get fewer, at least {least:,} ({program})"


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the share of variables that interchange exactly."""
    total = result["variables"]
    right = total - len(result["wrong"])
    met = right == total and not result["failures"]
    return [Target("interchanged variables", "all", f"{right} of {total}", met)]
