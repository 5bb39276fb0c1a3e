"""The list of steps while it is made, and what is added to it most often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.ir import typed as t
from compiler.ir.domain import Domain, constant_domain, indices_domain
from compiler.passes.conjuncts import Conjunction
from compiler.passes.formulas import junction
from compiler.passes.select import bound, width_domain
from compiler.passes.steps import Step


class StepBuilder:
    """The steps made so far.

    Attributes:
        typed: the program.
        domains: of its variables.
        steps: in the order in which they were added.
        place: the step of each variable so far.
    """

    def __init__(self, typed: t.Typed) -> None:
        self.typed = typed
        self.domains = [v.domain for v in typed.variables]
        self.steps: list[Step] = []
        self.place: list[int] = []

    def add(
        self,
        name: str,
        domain: Domain,
        operation: t.Operation,
        variable: int | None = None,
        positions: int | None = None,
    ) -> int:
        """Add a step, and return its index."""
        self.steps.append(Step(name, domain, operation, variable, positions))
        return len(self.steps) - 1

    def table(
        self, name: str, domain: Domain, args: list[int], table: NDArray[np.integer]
    ) -> int:
        """Add a table of other steps that is no variable of the program."""
        return self.add(name, domain, t.Table(tuple(args), table.astype(np.int32)))

    def count(
        self, name: str, domain: Domain, matches: Conjunction, index: int | None = None
    ) -> int:
        """Add a head that counts the keys that meet some conditions."""
        lookup = np.full(self.typed.max_len + 1, -1, np.int32)
        lookup[np.array(domain.values)] = np.arange(domain.size)
        return self.add(name, domain, t.Width(junction("and", matches), lookup), index)

    def everywhere(self, name: str) -> int:
        """Add a constant, which a condition on the keys alone compares them with."""
        return self.add(name, constant_domain(True, self.typed.max_len), t.Fixed())

    def positions(self) -> int:
        """Return the step of `indices`, made where the program itself has none."""
        for i, step in enumerate(self.steps):
            if step.operation == t.Input("indices"):
                return i
        domain = indices_domain(self.typed.max_len)
        return self.add("indices", domain, t.Input("indices"))

    def placed(self, conjunction: Conjunction) -> Conjunction:
        """Return conditions of variables as conditions of their steps."""
        return tuple(
            t.Atom(self.place[a.key], self.place[a.query], a.allowed)
            for a in conjunction
        )

    def width_domain(self, formula: t.Formula) -> Domain:
        """Return how many keys a selector over variables may select."""
        bounds = bound(formula, self.domains, self.typed.causal)
        return width_domain(bounds, self.typed.causal)

    def up_to(self, most: int) -> Domain:
        """Return the domain of the integers from 0 on, all of them anywhere."""
        mask = np.ones((self.typed.max_len, most + 1), bool)
        return Domain(tuple(range(most + 1)), mask)
