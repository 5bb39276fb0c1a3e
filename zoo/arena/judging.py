"""The verdict: what a submission is worth, by running it.

    edges          average precision of the scores over all edges that can be judged,
                   and F1 of those with a score of at least 0.5
    roles          right roles over the nodes of the circuit and other nodes that have
                   been given one
    descriptions   mean over the nodes of the circuit of the share of tokens gained over
                   a constant (`zoo/claims/renaming.py`), from 0 to 1
    program        behaviour gained over a constant; and structure: the sum of `cause`
                   (`zoo.score_program`) over its variables, divided by their number or
                   by that of the model's own variables, whichever is greater

What is left out counts as 0. A submission is read and typed before anything is judged,
and neither its errors nor the time that they take depend on the circuit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from compiler.errors import InputError, unknown_name
from compiler.ir import typed as t
from compiler.machine.names import Edge
from compiler.rasp.program import Program
from compiler.text.bounds import TextBounds
from compiler.text.program import read_program
from compiler.text.source import SourceText
from zoo.annotation.roles import ROLES, role_of
from zoo.arena.calls import NodeDescription, SubmitCall
from zoo.arena.execution import shorten_name
from zoo.arena.models import HiddenModel
from zoo.causal.population import Population, populate
from zoo.claims.bounded import time_limit
from zoo.claims.claimed import claim_values, type_program
from zoo.claims.description import wrong_outputs, wrong_values
from zoo.claims.program import computed_variables, score_typed
from zoo.claims.renaming import compare_values, rename
from zoo.claims.substitution import draw_exchanges, effects_in_program
from zoo.ranking import average_precision

BOUNDS = TextBounds(
    characters=20_000, steps=200_000, items=10_000, calls=200, selector=50, loads=0
)
"""What RASP text of an agent may cost."""
SECONDS = 20.0
"""The time of one program or description."""
INPUTS, PAIRS = 20_000, 256
SURE = 0.5
"""Edges with at least this score are claimed to be in the circuit."""


@dataclass(frozen=True, eq=False)
class ReadSubmission:
    """A submission whose names are known and whose programs are typed.

    Attributes:
        scores: by edge.
        roles: by node.
        descriptions: by node, in a form that `claim_values` takes.
        program: None if there is none.
    """

    scores: Mapping[Edge, float]
    roles: Mapping[str, str]
    descriptions: Mapping[str, Any]
    program: t.Typed | None


@dataclass(frozen=True, eq=False)
class ArenaJudge:
    """What knows the hidden model, and says what claims on it are worth.

    Attributes:
        hidden: the model.
        inputs: how many inputs claims are run on: all, if there are no more.
    """

    hidden: HiddenModel
    inputs: int = INPUTS

    @cached_property
    def found(self) -> Population:
        """Inputs with the values of all variables."""
        return populate(self.hidden.causal, self.inputs)

    @cached_property
    def variables(self) -> dict[str, list[str]]:
        """The variables of each head and MLP that a used edge leaves."""
        names, circuit = self.hidden.model.config.names, self.hidden.model.circuit
        used = np.flatnonzero(self.hidden.truth[0].any(axis=0))
        return {
            node: here
            for place, node in enumerate(names.sources)
            if place > 1
            and place in used
            and (
                here := [
                    v
                    for v in self.found.names
                    if v in circuit.sites and circuit.sites[v].node == node
                ]
            )
        }

    def read(self, said: SubmitCall) -> ReadSubmission:
        """Return a submission, once all of it can be used.

        Raises:
            NameLookupError: an edge, a node or a role is unknown.
            InputError: a score is out of bounds, or a program takes too long.
            ProgramError: a program cannot be typed.
            RaspError: a program cannot be read.
        """
        names = self.hidden.model.config.names
        scores = {}
        for name, score in said.edges.items():
            if not 0 <= score <= 1:
                raise InputError(
                    f"edges, {shorten_name(name)}: {score:g} is not 0 to 1"
                )
            scores[names.parse_edge(shorten_name(name))] = score
        for node in (*said.roles, *said.descriptions):
            if node not in names.sources[2:]:
                raise unknown_name("head or MLP", shorten_name(node), names.sources[2:])
        for role in said.roles.values():
            if role not in ROLES:
                raise unknown_name("role", shorten_name(role), ROLES)
        claims = {n: self._claim(n, d) for n, d in said.descriptions.items()}
        program = None
        if said.program is not None:
            program = self._typed(_parse(said.program, "program"))
        return ReadSubmission(scores, said.roles, claims, program)

    def _claim(self, node: str, said: NodeDescription) -> Any:
        if said.rasp is not None:
            program = _parse(said.rasp, f"description of {node}")
            self._typed(program)
            return program
        if said.tokens is not None:
            for row in said.tokens:
                if len(row) != 2:
                    raise InputError(
                        f"description of {node}: found a row of {len(row)}, expected "
                        "a token and its value"
                    )
            return {row[0]: row[1] for row in said.tokens}
        assert said.inputs is not None
        for row in said.inputs:
            if len(row.tokens) != len(row.values):
                raise InputError(
                    f"description of {node}: found {len(row.values)} values for "
                    f"{len(row.tokens)} tokens, expected one for each"
                )
        return {row.tokens: list(row.values) for row in said.inputs} or {(): []}

    def _typed(self, program: Program) -> t.Typed:
        with time_limit(SECONDS, program.name):
            return type_program(self.found, program)

    def judge(self, said: ReadSubmission) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return {
            "edges": self._edges(said.scores),
            "roles": self._roles(said.roles),
            "descriptions": self._descriptions(said.descriptions),
            "program": None if said.program is None else self._program(said.program),
        }

    def _edges(self, scores: Mapping[Edge, float]) -> dict[str, Any]:
        names = self.hidden.model.config.names
        used, blind = self.hidden.truth
        values = np.zeros(used.shape)
        for edge, score in scores.items():
            values[names.edge_index(edge)] = score
        counted = names.visible & ~blind
        true, ranked = used[counted], values[counted]
        claimed = ranked >= SURE
        hits = int((claimed & true).sum())
        both = int(claimed.sum()) + int(true.sum())
        return {
            "ap": _rounded(average_precision(ranked, true)),
            "f1": _rounded(2 * hits / both if both else 0.0),
            "precision": _rounded(hits / max(int(claimed.sum()), 1)),
            "recall": _rounded(hits / max(int(true.sum()), 1)),
            "chance": _rounded(float(true.mean())),
            "edges": int(counted.sum()),
        }

    def _roles(self, roles: Mapping[str, str]) -> dict[str, Any]:
        right = sum(roles.get(node) in self.roles_of(node) for node in self.variables)
        of = len({*self.variables, *roles})
        return {"right": right, "of": of, "share": _rounded(right / max(of, 1))}

    def roles_of(self, node: str) -> set[str]:
        """Return the roles of a node's variables."""
        steps = self.hidden.causal.steps
        named = self.variables.get(node, ())
        return {role_of(steps, steps.variables[steps.index(name)]) for name in named}

    def _descriptions(self, said: Mapping[str, Any]) -> dict[str, Any]:
        rows = {node: self._described(node, claim) for node, claim in said.items()}
        gained = [rows[n]["gained"] for n in self.variables if n in rows]
        return {
            "share": _rounded(sum(gained) / max(len(self.variables), 1)),
            "of": len(self.variables),
            "nodes": rows,
        }

    def _described(self, node: str, claim: Any) -> dict[str, Any]:
        """Return the figures of a description beside the variable that it fits best."""
        empty = {"gained": 0.0, "information": 0.0, "effect": 0.0, "wrong": []}
        if node not in self.variables:
            return empty
        try:
            claimed = claim_values(self.found, claim, SECONDS)
        except InputError:
            return empty
        fits = {
            name: compare_values(
                self.found.held(name),
                self.found.domains[name],
                claimed.held,
                claimed.values,
            )
            for name in self.variables[node]
        }
        best = max(fits, key=lambda name: fits[name].gained)
        agreed, found = fits[best], self.found
        drawn, donors = draw_exchanges(
            found, found.index(best), PAIRS, np.random.default_rng(0)
        )
        renamed = rename(claimed.held, agreed.names).astype(np.int32)[donors]
        effect, _, misses = effects_in_program(drawn, renamed)
        wrong = [
            *wrong_values(found, best, claimed.held, claimed.values, agreed),
            *wrong_outputs(drawn, renamed, misses),
        ]
        return {
            "gained": _rounded(min(max(agreed.gained, 0.0), 1.0)),
            "information": _rounded(agreed.information),
            "effect": _rounded(effect.share),
            "wrong": [c.to_json() for c in wrong],
        }

    def _program(self, typed: t.Typed) -> dict[str, Any]:
        model, found = self.hidden.model, self.found
        try:
            report = score_typed(model, "", found, typed, None, PAIRS, SECONDS, 0)
        except InputError as error:
            return {"gained": 0.0, "structure": 0.0, "refused": str(error)}
        wrong, left = report.counterexample, 1 - report.constant
        over = report.behaviour.share - report.constant
        causes = sum(m.cause.share for m in report.matches if m.cause is not None)
        own = len(computed_variables(model.typed))
        known = max(len(report.matches), own)
        return {
            "behaviour": _rounded(report.behaviour.share),
            "constant": _rounded(report.constant),
            "gained": _rounded(min(max(over / left if left > 0 else 1.0, 0.0), 1.0)),
            "structure": _rounded(causes / known if known else over > 0),
            "wrong": None if wrong is None else wrong.to_json(),
        }


def _parse(text: str, name: str) -> Program:
    return read_program(SourceText(text, name), bounds=BOUNDS)


def _rounded(share: float) -> float:
    return round(float(share), 4)
