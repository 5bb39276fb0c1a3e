"""Are variables where alignments say, and would random weights have them too?

Of every third release, the variable whose override changes most outputs (the output
itself only where there is no other), in the stream behind the node that computes it.
Finders look at the training split; figures are taken on other pairs of the test split.

DAS and multi-task DAS find a subspace, `flow` a non-linear invertible map, and `flow,
positions` a map that also chooses at which tokens it acts. *Cause* is the share of
outputs that are the program's, of those that overriding the variable changes; *isolate*
the share that stays where the variable is the same (RAVEL); *odds* and *selectivity*
are CausalGym's, in nats. Rows in brackets are controls: random subspaces, DAS fitted to
outputs of other pairs, DAS at random weights, and the best single output; maps have the
same fit to random weights. Of what DAS found, `null` is the share that nothing behind
the site reads. On models with a variable that only queries read, an illusion (Makelov
et al. 2023) is made and scored. A small autoencoder of the site is taken as an object
with an encoder and a decoder, as those of SAELens are.

Last, at random weights of one release, maps that are more and more free: is any model
aligned with any program (Sutter et al. 2025)?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.every_third import QUICK, names_of_every_third
from benchmarks.report import RESULTS, Table, Target
from benchmarks.resumed import measured_once
from benchmarks.variable_claims import FITTED, FREE, FREEDOM, MAPS

RECORDS = RESULTS / "variables.jsonl"
SECONDS, CHANCE = 60, 0.05
SUBSPACES = ("truth", "das", "multi-task-das", "random", "shuffled", "untrained")
CONTROLS = ("random", "shuffled", "untrained")
MODULE = "benchmarks.variable_claims"
LIMIT = 3_600  # seconds of wall time a release


def measure(quick: bool) -> dict[str, Any]:
    """Return a record a release, and one for each kind of free map."""
    names = names_of_every_third()
    jobs: list[dict[str, Any]] = [
        {"release": name} for name in (names[:QUICK] if quick else names)
    ]
    kept = None if quick else RECORDS
    found = measured_once(kept, jobs, (MODULE, "measure_release"), LIMIT)
    free = [{"freedom": n} for n in range(1 if quick else len(FREEDOM))]
    maps = measured_once(kept, free, (MODULE, "measure_free"), LIMIT)
    return {
        "models": [r for r in found if "failure" not in r],
        "free": [r for r in maps if "failure" not in r],
        "failures": [r for r in (*found, *maps) if "failure" in r],
    }


Rows = Sequence[Mapping[str, Any]]


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _shown(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"


def subspace_mean(models: Rows, row: str, figure: str) -> float:
    """Return the mean over models of a figure of a row of subspaces."""
    return _mean([m["rows"][row][figure] for m in models])


def map_mean(models: Rows, name: str, row: str) -> float:
    """Return the mean over models of the cause of a row of a map."""
    return _mean([m["maps"][name][row]["cause"] for m in models])


def _kinds(models: Rows) -> dict[str, list[Mapping[str, Any]]]:
    kinds = {"compiled": True, "trained": False}
    return {k: [m for m in models if m["compiled"] == c] for k, c in kinds.items()}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over models, and the maps that are more and more free."""
    models = result["models"]
    parts = [_subspace_table(models), _map_table(models), _coder_table(models)]
    return [*parts, _illusion_table(models), _free_table(result["free"])]


def _subspace_table(models: Rows) -> Table:
    kinds = _kinds(models)
    figures = ("cause", "isolate", "disentangle", "odds", "selectivity")
    rows = [
        [
            f"({row})" if row in CONTROLS else row,
            *(
                _shown(subspace_mean(some, row, f))
                for some in kinds.values()
                for f in figures
            ),
        ]
        for row in SUBSPACES
    ]
    blank = [""] * (len(figures) - 1)
    constants = [
        cell
        for some in kinds.values()
        for cell in (_shown(_mean([m["constant"] for m in some])), *blank)
    ]
    rows.append(["(constant)", *constants])
    header = [f"{kind}: {f}" for kind in kinds for f in figures]
    counts = ", ".join(f"{len(some)} {kind}" for kind, some in kinds.items())
    shares = " and ".join(
        f"{_shown(_mean([m['shares']['null'] for m in some]))} ({kind})"
        for kind, some in kinds.items()
    )
    note = (
        "In brackets the controls. Of what DAS found, nothing behind the site reads a "
        f"share of {shares}."
    )
    title = f"Variables: subspaces, means over {counts} models"
    return Table(title, ["<subspace", *header], rows, [note])


def _map_table(models: Rows) -> Table:
    kinds = _kinds(models)
    columns = ("fitted", "claimed", "untrained, fitted", "untrained")
    shown = ("fitted", "others", "random weights, fitted", "random weights, others")
    rows = [
        [
            name.replace("-", ", "),
            *(
                _shown(map_mean(some, name, column))
                for some in kinds.values()
                for column in columns
            ),
        ]
        for name in MAPS
    ]
    header = [f"{kind}: {title}" for kind in kinds for title in shown]
    note = "Cause, on the pairs that a map was fitted to and on other pairs."
    return Table("Variables: maps", ["<map", *header], rows, [note])


def _coder_table(models: Rows) -> Table:
    figures = ("explained", "l0", "dead", "behaviour", "zeroed")
    rows = [
        [
            f"({name})" if name == "random" else name,
            *(_shown(_mean([m["coders"][name][f] for m in models])) for f in figures),
        ]
        for name in ("unchanged", "coder", "random")
    ]
    return Table(
        f"Variables: autoencoders of the sites, means over {len(models)} models",
        ["<coder", *figures],
        rows,
        ["docs/scoring.md has the definitions."],
    )


def _illusion_table(models: Rows) -> Table:
    some = [m["illusion"] for m in models if m["illusion"] is not None]
    shares = ("null", "dormant", "active")
    rows = [
        [
            name,
            _shown(_mean([found[key]["cause"] for found in some])),
            *(
                _shown(_mean([found["shares"][s] for found in some]))
                if key == "claimed"
                else ""
                for s in shares
            ),
        ]
        for name, key in (
            ("true subspace", "truth"),
            ("illusion", "claimed"),
            ("what is read of it", "read_part"),
        )
    ]
    title = f"Variables: illusions in {len(some)} models"
    return Table(title, ["<claim", "cause", *shares], rows)


def _free_table(free: Rows) -> Table:
    rows = [
        [
            f"{o['layers']} layers of {o['hidden']}",
            f"{o['steps']:,}",
            str(o.get("count", FITTED)),
            _shown(row["fitted"]["cause"]),
            _shown(row["other"]["cause"]),
            f"{row['seconds']:.0f}",
        ]
        for row in free
        for o in [row["options"]]
    ]
    release, variable, site = FREE
    return Table(
        f"Variables: maps at random weights ({release}, {variable} at {site})",
        ["<free map", "steps", "pairs", "fitted", "others", "CPU s"],
        rows,
    )


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether truth is 1, controls are at chance, and any map is free enough."""
    models, free = result["models"], result["free"]
    compiled = _kinds(models)["compiled"]
    exact = [m["rows"]["truth"]["cause"] for m in compiled]
    least = min((e for e in exact if e is not None), default=float("nan"))
    constant = _mean([m["constant"] for m in models])
    over = max(subspace_mean(models, row, "cause") for row in CONTROLS) - constant
    illusions = [m["illusion"] for m in models if m["illusion"] is not None]
    read = max(
        (found["read_part"]["cause"] or 0.0 for found in illusions),
        default=float("nan"),
    )
    freest = max((r["fitted"]["cause"] or 0.0 for r in free), default=0.0)
    slowest = max(m["seconds"] for m in models)
    enough = len(models) >= 20
    return [
        Target("Releases with variables", "at least 20", f"{len(models)}", enough),
        Target(
            "True subspaces of compiled models, least cause",
            "1",
            f"{least:.3f}",
            least == 1,
        ),
        Target(
            "Cause of random, shuffled and untrained subspaces over a constant's",
            f"at most {CHANCE}",
            f"{over:.3f}",
            over <= CHANCE,
        ),
        Target(
            "Cause of what is read of an illusion, greatest",
            "0",
            f"{read:.3f}",
            not read,
        ),
        Target(
            "Cause of a free map at random weights", "1", f"{freest:.3f}", freest == 1
        ),
        Target(
            "CPU s of all alignments of a release, slowest",
            f"at most {SECONDS}",
            f"{slowest:.0f}",
            slowest <= SECONDS,
        ),
    ]
