"""Every program against the interpreter: all inputs up to 1e5, else a sample."""

from __future__ import annotations

from typing import Any

from benchmarks.pool import run_all
from benchmarks.report import RESULTS, Table, Target

SETTINGS = {"limit": 100_000, "sample": 20_000, "seed": 0}
QUICK = {"limit": 2_000, "sample": 500, "seed": 0}
QUICK_STEP = 10  # every tenth program
NUMBER_ERROR = 1e-5  # relative


def check(model: Any, accepts: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return how one model's outputs compare with the interpreter's."""
    from compiler.verify import verify_outputs

    found = verify_outputs(model, accepts=accepts, **settings)
    numerical = model.readout.kind != "classes"
    return {
        "inputs": found.inputs,
        "complete": found.complete,
        "positions": found.positions,
        "undefined": found.undefined,
        "wrong": found.wrong,
        "kind": model.readout.kind,
        "worst": found.worst if numerical else None,
        "margin": None if numerical or found.margin > 1e30 else found.margin,
        "example": None if found.example is None else str(found.example),
    }


def chosen(quick: bool) -> list[str]:
    """Return the names of all programs, or of some."""
    from programs import all_programs

    return list(all_programs())[:: QUICK_STEP if quick else 1]


def measure(quick: bool) -> dict[str, Any]:
    """Return the sums over all programs, and the programs that stand out."""
    path = None if quick else RESULTS / "exactness.jsonl"
    records = run_all(chosen(quick), check, QUICK if quick else SETTINGS, path)
    return {"settings": QUICK if quick else SETTINGS, **summarise(records)}


def summarise(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return sums, failures, wrong programs and extremes."""
    done = [r for r in records if "failure" not in r]
    numbers = [r for r in done if r["worst"] is not None]
    classes = [r for r in done if r["margin"] is not None]
    keys = ("program", "failure")
    shown = ("program", "inputs", "positions", "wrong", "example")
    return {
        "programs": len(records),
        "exhaustive": sum(r["complete"] for r in done),
        **{k: sum(r[k] for r in done) for k in ("inputs", "positions", "undefined")},
        "wrong_positions": sum(r["wrong"] for r in done),
        "failures": [{k: r[k] for k in keys} for r in records if "failure" in r],
        "wrong": [{k: r[k] for k in shown} for r in done if r["wrong"]],
        "numerical": len(numbers),
        "worst": _extreme(numbers, "worst", largest=True),
        "margins": _extreme(classes, "margin", largest=False),
        "slowest": _extreme(done, "compile_seconds", largest=True),
        "fewest_inputs": _extreme(
            [r for r in done if not r["complete"]], "inputs", largest=False
        ),
    }


def _extreme(
    records: list[dict[str, Any]], key: str, *, largest: bool, count: int = 10
) -> list[dict[str, Any]]:
    ordered = sorted(records, key=lambda r: r[key], reverse=largest)
    return [{"program": r["program"], key: r[key]} for r in ordered[:count]]


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the sums, then what stands out."""
    settings = result["settings"]
    rows = [
        ("programs", f"{result['programs']:,}"),
        ("  run on all their inputs", f"{result['exhaustive']:,}"),
        ("  with one number as output", f"{result['numerical']:,}"),
        ("  that do not compile", f"{len(result['failures']):,}"),
        ("  with a wrong output", f"{len(result['wrong']):,}"),
        ("inputs", f"{result['inputs']:,}"),
        ("positions compared", f"{result['positions']:,}"),
        ("positions without a meaning, left out", f"{result['undefined']:,}"),
        ("positions wrong", f"{result['wrong_positions']:,}"),
        ("worst relative error of a number", _first(result["worst"], "worst", ".1e")),
        ("least margin of a class, logits", _first(result["margins"], "margin", ".3g")),
        (
            "slowest compilation, CPU s",
            _first(result["slowest"], "compile_seconds", ""),
        ),
    ]
    found = [
        Table(
            "Exactness: compiled models against the interpreter",
            ("<", "<"),
            rows,
            (
                f"All inputs where there are at most {settings['limit']:,}, else a "
                f"seeded sample of {settings['sample']:,}; inputs that a program is "
                "not for are left out. One record a program: results/exactness.jsonl.",
            ),
        )
    ]
    bad = [(r["program"], "fails", short(r["failure"])) for r in result["failures"]]
    bad += [
        (r["program"], f"{r['wrong']:,}", short(r["example"])) for r in result["wrong"]
    ]
    if bad:
        found.append(
            Table("Programs that are not exact", ("<program", "<wrong", "<"), bad)
        )
    return found


def _first(extremes: list[dict[str, Any]], key: str, form: str) -> str:
    if not extremes:
        return "none"
    return f"{extremes[0][key]:{form}} ({extremes[0]['program']})"


def short(text: str | None, width: int = 56) -> str:
    """Return the end of a message's last line, at most `width` wide."""
    line = (text or "").strip().splitlines()[-1:] or [""]
    return line[0].strip()[:width]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the share of exact programs and the worst number."""
    bad = len(result["failures"]) + len(result["wrong"])
    total = result["programs"]
    worst = result["worst"][0]["worst"] if result["worst"] else 0.0
    return [
        Target("exact programs", "all", f"{total - bad} of {total}", bad == 0),
        Target(
            "worst relative error", "<= 1e-5", f"{worst:.1e}", worst <= NUMBER_ERROR
        ),
    ]
