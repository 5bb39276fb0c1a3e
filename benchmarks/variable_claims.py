"""The alignments, illusions and autoencoders of one release, for `variables.py`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zoo.alignment.figures import Figures
    from zoo.alignment.interchanges import Interchanges
    from zoo.alignment.places import Place
    from zoo.alignment.subspaces import Columns
    from zoo.cases.case import Case
    from zoo.finders.alignment_maps import MapReport

PAIRS, FITTED, DRAWS, STEPS = 256, 512, 5, 300
"""Pairs of each row and of a fit, random subspaces, and steps of a map."""

FEATURES, CODED_STEPS = 2, 1000
"""Features of an autoencoder in units of the stream's width, and its steps."""

FIGURES = ("iia", "cause", "isolate", "disentangle", "odds", "selectivity")
MAPS = ("flow", "flow-positions")
MAP_ROWS = ("fitted", "claimed", "untrained, fitted", "untrained", "random")
FREE = "sort-compiled", "output", "stream.2"
"""Release, variable and site at which maps are made more and more free."""

FREEDOM: tuple[dict[str, Any], ...] = (
    {"layers": 4, "hidden": 64, "steps": 300},
    {"layers": 4, "hidden": 64, "steps": 3_000},
    {"layers": 4, "hidden": 64, "steps": 3_000, "count": 64},
    {"layers": 4, "hidden": 256, "steps": 6_000, "rate": 0.005},
)


def measure_release(release: str) -> dict[str, Any]:
    """Return the figures of one release."""
    import zoo
    from zoo.alignment.interchanges import draw_interchanges
    from zoo.alignment.places import find_place
    from zoo.threads import use_one_thread

    use_one_thread()
    start = time.process_time()
    (kind,) = (e["kind"] for e in zoo.releases() if e["name"] == release)
    train = zoo.open_case(release)
    test = train.split("test")
    variable, site = choose_variable(test)
    place = find_place(test.config, site)
    maps = {name: _map_of(release, variable, site, name) for name in MAPS}
    drawn = draw_interchanges(test, variable, PAIRS, 1)
    rows, shares = _subspaces(train, test, drawn, place)
    return {
        "model": release,
        "compiled": kind == "compiled",
        "variable": variable,
        "site": site,
        "constant": _constant(drawn),
        "maps": {
            name: {row: _plain(report.rows[row]) for row in MAP_ROWS}
            for name, report in maps.items()
        },
        "rows": {name: _plain(found) for name, found in rows.items()},
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


def _plain(found: Figures) -> dict[str, float | None]:
    """Return the figures as numbers."""
    kept = found.to_json()
    values = {name: kept[name] for name in FIGURES}
    shares = {n: v["share"] if isinstance(v, dict) else v for n, v in values.items()}
    return {n: None if v is None else round(float(v), 6) for n, v in shares.items()}


def _constant(drawn: Interchanges) -> float | None:
    """Return the cause of one output that is the same everywhere: the best one's."""
    changed = (drawn.after >= 0) & (drawn.after != drawn.before)
    counts = np.bincount(drawn.after[changed])
    return float(counts.max() / counts.sum()) if counts.sum() else None


def _map_of(release: str, variable: str, site: str, name: str) -> MapReport:
    from zoo.finders.alignment_maps import score_map
    from zoo.finders.flows import AlignmentMap, flow

    def find(case: Case, variable: str, site: str) -> AlignmentMap:
        choose = name == "flow-positions"
        return flow(case, variable, site, choose_positions=choose, steps=STEPS)

    return score_map(release, variable, site, find, pairs=PAIRS)


def _subspaces(
    train: Case, test: Case, drawn: Interchanges, place: Place
) -> tuple[dict[str, Figures], dict[str, float]]:
    """Return the figures of subspaces by row, and the shares of what DAS found."""
    from zoo.alignment.figures import measure as measure_subspaces
    from zoo.alignment.patching import run_both
    from zoo.alignment.places import find_place
    from zoo.alignment.reading import read_shares, read_subspace
    from zoo.alignment.subspaces import known_subspace, random_subspace
    from zoo.finders import das, multi_task_das

    variable = drawn.variable
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
            wide = Case(model.name, model, truth_of_circuit(model.circuit), case.pairs)
            found = score_alignment(wide, variable, where.node, claim, pairs=PAIRS)
        except InputError:
            continue
        if found.claimed.cause is not None:
            names = ("claimed", "read_part", "truth")
            rows = {name: _plain(getattr(found, name)) for name in names}
            return {"variable": variable, "shares": dict(vars(found.shares)), **rows}
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
    place = find_place(train.config, site)
    fitted_to = options.get("count", FITTED)
    own = measure_map(train, variable, place, found, fitted_to, 0)
    other = measure_map(test, variable, place, found, FITTED, 1)
    return {
        "options": options,
        "fitted": _plain(own),
        "other": _plain(other),
        "seconds": round(time.process_time() - start, 1),
    }
