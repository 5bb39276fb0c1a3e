"""One random expression, built backwards from the goal.

The output asks for a signal of a type at the last layer. Its head asks for a signal at
the layer before, and so on down to the tokens and the positions: so a program of three
layers has a chain of three heads, each of which reads what the one before computed. A
program with two heads a layer has two such chains, whose heads may also read earlier
signals of the other chain. After each head there is at most one element-wise function
of any size, which the compiler puts into the MLP of the same layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compiler.rasp.expr import (
    EQ,
    GEQ,
    GT,
    LEQ,
    LT,
    NEQ,
    Aggregate,
    Comparison,
    Rule,
    Select,
    Selector,
    SelectorWidth,
    SOp,
    indices,
    tokens,
)
from zoo.sampling.chance import Chance
from zoo.sampling.forms import (
    FORMS,
    KINDS,
    OF_OUTPUT,
    OTHER,
    Compared,
    HeadForm,
    Signal,
    SignalKind,
)
from zoo.sampling.functions import FunctionChoices
from zoo.sampling.goal import SampleGoal


@dataclass(frozen=True, eq=False)
class BuiltExpression:
    """An expression, its type, and the families that its heads are of."""

    sop: SOp
    kind: SignalKind
    families: tuple[str, ...]


def build_expression(goal: SampleGoal, chance: Chance) -> BuiltExpression:
    """Return a random expression of a goal's layers, heads and output."""
    kind = chance.one_of(KINDS) if goal.output is None else OF_OUTPUT[goal.output]
    builder = _BackwardBuilder(goal, chance)
    sop = builder.output(kind)
    used = tuple(f for f in goal.families if f in builder.used)
    return BuiltExpression(sop, kind, used)


class _BackwardBuilder:
    """The signals that are there so far, and the next choices."""

    def __init__(self, goal: SampleGoal, chance: Chance) -> None:
        self.goal, self.chance = goal, chance
        self.functions = FunctionChoices(goal, chance)
        self.given: dict[str, Signal] = {
            "token": Signal(tokens, "token", 0),
            "number": Signal(indices, "number", 0),
        }
        self.signals: list[Signal] = []
        self.used: set[str] = set()

    # The output -------------------------------------------------------------------

    def output(self, kind: SignalKind) -> SOp:
        """Return an expression of the goal's size, with values of a type."""
        last, heads = self.goal.layers, self.goal.heads
        if heads == 1:
            return self.signal(kind, last, 1, whole=True).sop
        kinds = self.output_kinds(kind, heads)
        parts = [self.signal(k, last, i).sop for i, k in enumerate(kinds, start=1)]
        return self.functions.combined(kind, kinds, parts)

    def output_kinds(self, kind: SignalKind, heads: int) -> list[SignalKind]:
        """Return the types of the signals of the last layer."""
        if kind == "bool":
            return [self.chance.one_of(KINDS) if heads == 2 else "bool"] * heads
        if heads == 2 and kind == "token":
            return ["bool", "token"]
        tests: list[SignalKind] = ["bool"] * (heads - 2)
        return [*tests, kind, kind]

    # A signal and its chain -------------------------------------------------------

    def signal(
        self, kind: SignalKind, layer: int, number: int, whole: bool = False
    ) -> Signal:
        """Return a signal that a layer computes, by one head and its MLP.

        Args:
            kind: the type of its values.
            layer: of the head.
            number: of the chain that the head is in.
            whole: whether it is the output itself.
        """
        form = self.form(kind, layer)
        self.used.add(form.family)
        deep = self.given.get(form.reads)
        if layer > 1:
            deep = self.signal(form.reads, layer - 1, number)
        assert deep is not None
        found = self.head(form, deep, layer)
        keeps = self.keeps(form.gives, kind, whole)
        if not (keeps and whole):
            found = found.named(f"head_{layer}_{number}")
        if not keeps:
            joint = layer == self.goal.layers and not whole
            found = self.functions.converted(found, form, kind, joint)
            # In the last layer it has no name of its own, so that the compiler joins it
            # with the function that combines the chains: a further MLP is a layer more.
            if not (whole or joint):
                found = found.named(f"mlp_{layer}_{number}")
        made = Signal(found, kind, layer)
        self.signals.append(made)
        return made

    def form(self, kind: SignalKind, layer: int) -> HeadForm:
        """Return what the head of a layer computes; its type is converted later."""
        forms = [f for f in FORMS if f.family in self.goal.families]
        if layer == 1:
            forms = [f for f in forms if f.reads != "bool" and f.family != "lookups"]
        families = [f for f in self.goal.families if any(f == g.family for g in forms)]
        family = self.chance.one_of(families)
        forms = [f for f in forms if f.family == family]
        direct = [f for f in forms if f.gives == kind]
        if direct and self.chance.happens(0.6):
            forms = direct
        return self.chance.one_of(forms)

    def keeps(self, gives: str, kind: SignalKind, whole: bool) -> bool:
        """Return whether what a head gives is the signal as it is."""
        if gives == "mean":
            return kind == "number" and whole and self.chance.happens(0.5)
        return gives == kind and self.chance.happens(0.7)

    # Heads ------------------------------------------------------------------------

    def head(self, form: HeadForm, deep: Signal, layer: int) -> SOp:
        """Return what one attention head computes."""
        if form.family == "lookups":
            selector: Selector = Select(indices, deep.sop, EQ)
        elif form.place == "selector":
            selector = self.selector(deep, layer, form.gives)
        else:
            selector = self.plain_selector(OTHER[form.reads] if layer == 1 else "any")
        if form.family == "counts":
            return SelectorWidth(selector)
        value = deep.sop
        if form.gives in self.given and form.place == "selector":
            value = self.source(self.given[form.gives].kind, layer).sop
        if form.family == "means":
            return Aggregate(selector, value, 0, "mean")
        kind: Any = form.gives
        rule: Rule = "unique"
        if form.family == "rules":
            ordered: tuple[Rule, ...] = ("first", "last", "min", "max")
            rule = self.chance.one_of(ordered[:2] if kind == "bool" else ordered)
        return Aggregate(selector, value, self.functions.constant(kind), rule)

    def source(self, kind: SignalKind, layer: int) -> Signal:
        """Return something of a type that the heads of a layer can read."""
        known = [s for s in self.signals if s.kind == kind and s.layer < layer]
        given = self.given.get(kind)
        if known and (given is None or self.chance.happens(0.4)):
            return self.chance.one_of(known)
        assert given is not None
        return given

    def selector(self, deep: Signal, layer: int, gives: str) -> Selector:
        """Return a selector that compares a signal.

        In the first layer it compares tokens, and not only those with their equals:
        a head that sees positions alone, or equal tokens alone, computes nothing new.
        """
        first = deep.layer == 0
        if deep.kind == "bool" and self.chance.happens(0.6):
            found: Selector = Select(deep.sop, self.chance.happens(0.7), EQ)
        else:
            other = deep if deep.kind == "bool" else self.source(deep.kind, layer)
            key, query = deep.sop, other.sop
            if self.chance.happens(0.5):
                key, query = query, key
            way = self.comparison(deep, first and gives == "token")
            found = Select(key, query, way)
        if first and deep.kind == "number":
            return found & self.plain_selector("tokens")
        if self.chance.happens(0.4):
            return found & self.plain_selector("positions" if first else "any")
        return found

    def comparison(self, deep: Signal, unequal: bool) -> Comparison:
        """Return how a selector compares a signal with another one of its type."""
        if deep.kind == "bool":
            return self.chance.one_of((EQ, NEQ))
        if deep.kind == "token":
            ways = (NEQ, LT, GT) if unequal else (EQ, EQ, NEQ, LT, GT)
            return self.chance.one_of(ways)
        ways = (LT, LEQ, GT, GEQ)
        return self.chance.one_of(ways if deep.layer == 0 else (EQ, *ways))

    def plain_selector(self, of: Compared) -> Selector:
        """Return a comparison of positions or of tokens."""
        if of == "any":
            of = self.chance.one_of(("positions", "positions", "tokens"))
        if of == "tokens":
            return Select(tokens, tokens, self.chance.one_of((EQ, NEQ)))
        earlier = self.goal.causal or self.chance.happens(0.5)
        ways = (LT, LEQ) if earlier else (GT, GEQ)
        return Select(indices, indices, self.chance.one_of(ways))
