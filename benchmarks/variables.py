"""Are variables where alignments say, and would random weights have them too?

Of every third release, the variable whose override changes most outputs (the output
itself only where there is no other), in the stream behind the node that computes it.
Finders look at the training split; figures are taken on other pairs of the test split.

DAS and multi-task DAS find a subspace, `flow` a non-linear invertible map, and `flow,
positions` a map that also chooses at which tokens it acts. *Cause* is the share of
outputs that are the program's, of those that overriding the variable changes; *isolate*
the share that stays where the variable is the same (RAVEL); *odds* and *selectivity*
are CausalGym's, in nats. Rows in brackets are controls: random subspaces, DAS fitted to
outputs of other pairs, DAS at random weights; maps have the same fit to random weights.
A maps' share of a subspace that nothing behind the site reads is `null`, `dormant` what
is read and never varies. On models with a variable that only queries read, an illusion
(Makelov et al. 2023) is made and scored.

Last, on random weights of one release, maps that are more and more free: any model
is aligned with any program, on the pairs that the map was fitted to and on others
(Sutter et al. 2025).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.every_third import QUICK, names_of_every_third
from benchmarks.report import RESULTS, Table, Target
from benchmarks.resumed import measured_once

if TYPE_CHECKING:
    from zoo.alignment.figures import Figures
    from zoo.alignment.places import Place
    from zoo.alignment.subspaces import Columns
    from zoo.cases.case import Case
    from zoo.finders.alignment_maps import MapReport

RECORDS = RESULTS / "variables.jsonl"
PAIRS, DRAWS, SECONDS, CHANCE = 256, 5, 60, 0.1
STEPS = 400
FEATURES, CODED_STEPS = 2, 1000
"""Features of an autoencoder in units of the stream's width, and its steps."""

SUBSPACES = ("truth", "das", "multi-task-das", "random", "shuffled", "untrained")
CONTROLS = ("random", "shuffled", "untrained")
MAPS = ("das", "flow", "flow-positions")
FREE = "sort-compiled", "output", "stream.2"
"""Release, variable and site at which maps are made more and more free."""

FREEDOM: tuple[dict[str, Any], ...] = (
    {"layers": 4, "hidden": 64, "steps": 400},
    {"layers": 4, "hidden": 64, "steps": 3_000},
    {"layers": 4, "hidden": 64, "steps": 3_000, "whiten": True, "pairs": 4_096},
    {"layers": 8, "hidden": 256, "steps": 6_000, "whiten": True, "pairs": 4_096},
)


def measure(quick: bool) -> dict[str, Any]:
    """Return a record a release, and one for each kind of free map."""
    names = names_of_every_third()
    jobs: list[dict[str, Any]] = [
        {"release": name} for name in (names[:QUICK] if quick else names)
    ]
    kept = None if quick else RECORDS
    found = measured_once(kept, jobs, ("benchmarks.variables", "measure_release"), 3600)
    free = [{"freedom": n} for n in range(1 if quick else len(FREEDOM))]
    maps = measured_once(kept, free, ("benchmarks.variables", "measure_free"), 3_600)
    return {
        "models": [r for r in found if "failure" not in r],
        "free": [r for r in maps if "failure" not in r],
        "failures": [r for r in (*found, *maps) if "failure" in r],
    }


def measure_release(release: str) -> dict[str, Any]:
    """Return the figures of one release."""
    import zoo
    from zoo.alignment.places import find_place
    from zoo.threads import use_one_thread

    use_one_thread()
    start = time.process_time()
    train = zoo.open_case(release)
    test = train.split("test")
    variable, site = choose_variable(test)
    place = find_place(test.config, site)
    maps = {name: _map_of(release, variable, site, name) for name in MAPS}
    rows, shares = _subspaces(train, test, variable, place)
    return {
        "model": release,
        "compiled": release.split(".v")[0].endswith(
            ("-compiled", "-rotated", "-decoys")
        ),
        "variable": variable,
        "site": site,
        "maps": {name: report.to_json() for name, report in maps.items()},
        "rows": {name: found.to_json() for name, found in rows.items()},
        "shares": shares,
        "illusion": _illusion(test),
        "coders": _coders(train, test, place),
        "seconds": round(time.process_time() - start, 1),
    }


def choose_variable(case: Case) -> tuple[str, str]:
    """Return the variable that changes most outputs, and the site where it is sought.

    It is chosen by the program: no finder and no weight is looked at. The site is the
    first stream in which the whole variable is, or else the node that computes it.
    """
    from zoo.alignment.interchanges import causal_run, draw_interchanges
    from zoo.alignment.places import all_places, holds

    names, output, _ = causal_run(case.model)
    found = []
    for index, name in enumerate(names):
        if name not in case.model.sites:
            continue
        drawn = draw_interchanges(case, name, PAIRS)
        changed = int(((drawn.after >= 0) & (drawn.after != drawn.before)).sum())
        found.append((changed > 0 and index != output, changed, name))
    variable = max(found)[-1]
    for place in all_places(case.config):
        if place.in_stream and holds(case.model, variable, place):
            return variable, place.name
    return variable, case.model.sites[variable].node


def _map_of(release: str, variable: str, site: str, name: str) -> MapReport:
    from zoo.finders.alignment_maps import score_map
    from zoo.finders.flows import AlignmentMap, flow

    def find(case: Case, variable: str, site: str) -> AlignmentMap:
        choose = name == "flow-positions"
        return flow(case, variable, site, choose_positions=choose, steps=STEPS)

    finder = name if name == "das" else find
    return score_map(release, variable, site, finder, pairs=PAIRS)


def _subspaces(
    train: Case, test: Case, variable: str, place: Place
) -> tuple[dict[str, Figures], dict[str, float]]:
    """Return the figures of subspaces by row, and the shares of what DAS found."""
    from zoo.alignment.figures import measure as measure_subspaces
    from zoo.alignment.interchanges import draw_interchanges
    from zoo.alignment.patching import run_both
    from zoo.alignment.places import find_place
    from zoo.alignment.reading import read_shares, read_subspace
    from zoo.alignment.subspaces import known_subspace, random_subspace
    from zoo.finders import das, multi_task_das

    drawn = draw_interchanges(test, variable, PAIRS, 1)
    runs, width = run_both(test, drawn), test.config.d_model
    known = known_subspace(test.model, variable)
    whole = np.eye(width) if known is None else known.whole
    found, blank = das(train, variable, place.name), train.untrained()
    rng = np.random.default_rng(0)
    bases: dict[str, list[Columns]] = {
        "das": [found],
        "multi-task-das": [multi_task_das(train, variable, place.name)],
        "random": [random_subspace(width, found.shape[1], rng) for _ in range(DRAWS)],
        "shuffled": [das(train, variable, place.name, shuffle=True)],
    }
    node = find_place(test.config, test.model.sites[variable].node)
    rows = {"truth": measure_subspaces(test, drawn, runs, node, [whole])}
    for name, some in bases.items():
        rows[name] = measure_subspaces(test, drawn, runs, place, some)
    other = test.untrained()
    rows["untrained"] = measure_subspaces(
        other, drawn, run_both(other, drawn), place, [das(blank, variable, place.name)]
    )
    live = drawn.base != test.config.pad_id
    held = place.held(runs.writes)[live]
    return rows, dict(vars(read_shares(found, read_subspace(test.model, place), held)))


def _illusion(case: Case) -> dict[str, Any] | None:
    """Return the figures of an illusion beside a variable, where there can be one."""
    from compiler.errors import InputError
    from zoo.alignment.illusion import add_illusion
    from zoo.alignment.score import score_alignment
    from zoo.cases.case import Case
    from zoo.cases.truth import truth_of_circuit

    for variable, where in case.model.sites.items():
        try:
            model, claim = add_illusion(case.model, variable)
            wide = Case(
                model.name, model, truth_of_circuit(model.circuit), case.pairs
            )
            found = score_alignment(wide, variable, where.node, claim, pairs=PAIRS)
        except InputError:
            continue
        if found.claimed.cause is not None:
            kept = found.to_json()
            names = ("variable", "claimed", "read_part", "truth", "shares")
            return {name: kept[name] for name in names}
    return None


def _coders(train: Case, test: Case, place: Place) -> dict[str, Any]:
    """Return how an autoencoder does at the site, beside one of random directions."""
    from zoo.alignment.tokens import read_tokens
    from zoo.dictionary.coders import compare_coder
    from zoo.finders.autoencoder import train_autoencoder

    held = read_tokens(train, place)
    size = FEATURES * train.config.d_model
    coder = train_autoencoder(held, size, steps=CODED_STEPS)
    figures = compare_coder(coder, test, place, 0)
    return {
        name: {
            "explained": found.explained,
            "l0": found.l0,
            "dead": found.dead,
            "behaviour": found.behaviour.share,
            "zeroed": found.zeroed.share,
        }
        for name, found in figures.items()
    }


def measure_free(freedom: int) -> dict[str, Any]:
    """Return the effect of one map at random weights, on its own and on other pairs."""
    import zoo
    from zoo.alignment.places import find_place
    from zoo.finders.alignment_maps import measure_map
    from zoo.finders.flows import flow
    from zoo.threads import use_one_thread

    use_one_thread()
    start = time.process_time()
    release, variable, site = FREE
    options = FREEDOM[freedom]
    train = zoo.open_case(release).untrained()
    test = train.split("test")
    found = flow(train, variable, site, **options)
    place, count = find_place(train.config, site), options.get("pairs", 512)
    own = measure_map(train, variable, place, found, count, 0)
    other = measure_map(test, variable, place, found, 2_048, 1)
    return {
        "options": options,
        "fitted": own.to_json(),
        "other": other.to_json(),
        "seconds": round(time.process_time() - start, 1),
    }


Rows = Sequence[Mapping[str, Any]]


def _share(figures: Mapping[str, Any], figure: str) -> float | None:
    value = figures[figure]
    return value["share"] if isinstance(value, dict) else value


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _shown(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"


def subspace_mean(models: Rows, row: str, figure: str) -> float:
    """Return the mean over models of a figure of a row of subspaces."""
    return _mean([_share(m["rows"][row], figure) for m in models])


def map_mean(models: Rows, name: str, row: str) -> float:
    """Return the mean over models of the cause of a row of a map."""
    return _mean([_share(m["maps"][name]["rows"][row], "cause") for m in models])


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
            _shown(_mean([_share(found[key], "cause") for found in some])),
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
            f"{o['layers']} layers of {o['hidden']}"
            f"{', whitened' if o.get('whiten') else ''}",
            f"{o['steps']:,}",
            f"{o.get('pairs', 512):,}",
            _shown(_share(row["fitted"], "cause")),
            _shown(_share(row["other"], "cause")),
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
    exact = [_share(m["rows"]["truth"], "cause") for m in compiled]
    least = min((e for e in exact if e is not None), default=float("nan"))
    over = max(
        subspace_mean(models, row, "cause") - subspace_mean(models, "random", "cause")
        for row in ("shuffled", "untrained")
    )
    illusions = [m["illusion"] for m in models if m["illusion"] is not None]
    read = max(
        (_share(found["read_part"], "cause") or 0.0 for found in illusions),
        default=float("nan"),
    )
    freest = max((_share(r["fitted"], "cause") or 0.0 for r in free), default=0.0)
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
            "Cause of shuffled and untrained DAS over random subspaces, greatest mean",
            f"at most {CHANCE}",
            f"{over:.3f}",
            over <= CHANCE,
        ),
        Target(
            "Cause of what is read of an illusion, greatest", "0", f"{read:.3f}", not read
        ),
        Target("Cause of a free map at random weights", "1", f"{freest:.3f}", freest == 1),
        Target(
            "CPU s of all alignments of a release, slowest",
            f"at most {SECONDS}",
            f"{slowest:.0f}",
            slowest <= SECONDS,
        ),
    ]
