"""How a trained release says that it was trained: recipe.toml and history.parquet.

The recipe stands in `program.json` too, and both have to agree. Of the history nothing
can be made anew without training; its form is checked, and that its last check gives
the outcome and the number of steps that the facts state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any

import programs
from compiler.model import Model
from compiler.save import PROGRAM
from zoo.auditing.subject import Subject, has_program
from zoo.release.differences import Difference, shown
from zoo.release.fields import HISTORY, RECIPE
from zoo.training.check import Check
from zoo.training.recipe import Recipe
from zoo.training.recipe_file import saved_recipe
from zoo.training.store import Setting, recipe_text

MOST_CHECKS = 100_000


def recipe_of(model: Model) -> bytes:
    """Return the recipe.toml that the facts of a trained model give."""
    stated: Mapping[str, Any] = model.facts["recipe"]
    names = [f.name for f in fields(Recipe) if f.name in stated]
    typed = model.typed
    setting = Setting(model.name, typed.vocab, typed.max_len, _made_causal(model))
    return recipe_text({name: stated[name] for name in names}, setting).encode()


def _made_causal(model: Model) -> bool:
    """Return whether the library's program attends both ways, and the model does not.

    That is so of a model that was trained like one of an architecture.
    """
    known = has_program(model)
    return known and model.typed.causal and not programs.find(model.name).causal


def history_differences(
    model: Model, subject: Subject, history: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Yield what no history of this model's training can say.

    Args:
        model: the release's.
        subject: its circuit, and what lies outside.
        history: the rows of history.parquet.
    """
    recipe = saved_recipe(dict(model.facts["recipe"]), RECIPE)
    if not 1 <= len(history) <= MOST_CHECKS:
        yield Difference(HISTORY, "", f"{len(history)} checks", "at least 1")
        return
    before = 0
    for number, row in enumerate(history):
        place, step = f"row {number}", row["step"]
        after = min(before + recipe.check_every, recipe.steps)
        if step != after or step == before:
            yield Difference(HISTORY, f"{place}, step", shown(step), str(after))
            return
        before = step
        yield from _figures(model, subject, place, row)
    yield from _end(model, recipe, history)


def _figures(
    model: Model, subject: Subject, place: str, row: Mapping[str, Any]
) -> Iterator[Difference]:
    """Yield what is wrong with the figures of one check."""
    shares = {"behaviour": row["behaviour"], "all_edges": row["all_edges"]}
    if row["edges"] is not None:
        shares["edges"] = row["edges"]
    sources = subject.config.names.sources
    inside = {site.node for site in subject.circuit.sites.values()} - set(sources[:2])
    for key, nodes in (
        ("interchange", inside),
        ("nodes", [sources[n] for n in subject.others]),
    ):
        if sorted(row[key]) != sorted(nodes):
            nodes_tried = ", ".join(sorted(row[key]))
            yield Difference(
                HISTORY,
                f"{place}, {key}",
                shown(nodes_tried),
                shown(", ".join(sorted(nodes))),
            )
        shares |= {f"{key}, {name}": share for name, share in row[key].items()}
    for key in ("structured", "ablations"):
        shares |= {f"{key}, {name}": share for name, share in row.get(key, {}).items()}
    if row.get("adversary") is not None:
        shares["adversary"] = row["adversary"]
    wrong, searched = row.get("wrong", 0), row.get("searched", 0)
    if not 0 <= (wrong or 0) <= (searched or 0):
        told = f"{shown(wrong)} of {shown(searched)}"
        yield Difference(HISTORY, f"{place}, wrong", told, "some of those searched")
    for key, share in shares.items():
        if type(share) not in (int, float) or not 0 <= share <= 1:
            yield Difference(HISTORY, f"{place}, {key}", shown(share), "0 to 1")
    loss = row["loss"]
    if loss is None or not isfinite(loss) or loss < 0:
        yield Difference(HISTORY, f"{place}, loss", shown(loss), "a loss")
    outside = {str(edge) for edge in subject.circuit.complement()}
    tried = row["edges"] is not None and bool(outside)
    if (row["worst_edge"] in outside) != tried or (not tried and row["worst_edge"]):
        wording = "an edge outside the circuit" if tried else '""'
        yield Difference(
            HISTORY, f"{place}, worst_edge", shown(row["worst_edge"]), wording
        )


def _end(
    model: Model, recipe: Recipe, history: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Yield where the last check does not give the stated end."""
    last = Check(**history[-1])
    if model.facts.get("steps") != last.step:
        wording = shown(model.facts.get("steps"))
        yield Difference(PROGRAM, "facts, steps", wording, f"{last.step}, by {HISTORY}")
    outcome = "passed" if last.passes(recipe) else "budget"
    if outcome == "budget" and model.facts.get("outcome") == "diverged":
        return
    if outcome == "budget" and last.step < recipe.steps:
        yield Difference(
            HISTORY,
            f"row {len(history) - 1}",
            "a last check that fails",
            "one that passes",
        )
    elif model.facts.get("outcome") != outcome:
        wording = shown(model.facts.get("outcome"))
        yield Difference(PROGRAM, "facts, outcome", wording, f"{outcome}, by {HISTORY}")
