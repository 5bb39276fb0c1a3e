"""What does each component do? `zoo components` on every release.

Every head and MLP of every release gets its role, sentence, code, values and examples.
The emitted code is then run, as Python, on inputs of the release, and compared with
what the interpreter says; a wrong value anywhere would count. Tasks that were written
by hand have their source text in the place of code, and are not run.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from benchmarks.emitted_code import emitted
from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from zoo.causal.population import Population

INPUTS, RUN = 20_000, 500
"""Inputs that values are taken from, and inputs that the code is run on."""
SECONDS = 60


def measure(quick: bool) -> dict[str, Any]:
    """Return roles, checked values and times of every release."""
    import zoo

    names = [entry["name"] for entry in zoo.releases()]
    return {"models": [_measure_one(name) for name in names[:: 8 if quick else 1]]}


def _measure_one(name: str) -> dict[str, Any]:
    import zoo
    from zoo.auditing.subject import causal_of
    from zoo.causal.population import populate
    from zoo.causal.tabular import TabularModel

    start = time.process_time()
    model = zoo.load(name)
    found = zoo.components(model, inputs=INPUTS)
    seconds = time.process_time() - start
    causal = causal_of(model)
    checked, right = 0, 0
    if isinstance(causal, TabularModel):
        checked, right = _run_code(populate(causal, RUN))
    return {
        "model": name,
        "components": len(found),
        "roles": Counter(c.role or c.part for c in found),
        "checked": checked,
        "right": right,
        "seconds": round(seconds, 2),
    }


def _run_code(found: Population) -> tuple[int, int]:
    """Return how many values the emitted code was asked for, and how many are right."""
    import random

    checked = right = 0
    run = emitted(found.causal.steps)  # pyright: ignore
    for row in random.Random(0).sample(range(len(found)), min(RUN, len(found))):
        own = run(found.words(row))
        for name in found.names:
            held = found.held(name)[row][found.live[row]]
            domain = found.domains[name]
            pairs = [
                (a, domain[i]) for a, i in zip(own[name], held, strict=True) if i >= 0
            ]
            checked += len(pairs)
            right += sum(a == b for a, b in pairs)
    return checked, right


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the roles over all releases, and how the code was checked."""
    models = result["models"]
    roles: Counter[str] = Counter()
    for row in models:
        roles.update(row["roles"])
    total = sum(roles.values())
    return [
        Table(
            f"Components of {len(models)} releases: {total} rows",
            ["<role", "components", "share"],
            [[r, f"{n}", f"{n / total:.3f}"] for r, n in roles.most_common()],
            [
                f"{sum(m['checked'] for m in models):,} values were computed by the "
                f"emitted code; {sum(m['right'] for m in models):,} are the program's."
            ],
        )
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether every release is covered, the code right, and the time short."""
    models = result["models"]
    wrong = sum(m["checked"] - m["right"] for m in models)
    slowest = max(m["seconds"] for m in models)
    enough = len(models) >= 20
    return [
        Target("Releases with components", "at least 20", f"{len(models)}", enough),
        Target("Values that emitted code gets wrong", "0", f"{wrong}", wrong == 0),
        Target(
            "CPU s for the components of a release, slowest",
            f"at most {SECONDS}",
            f"{slowest:.1f}",
            slowest <= SECONDS,
        ),
    ]
