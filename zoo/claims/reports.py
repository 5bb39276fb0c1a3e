"""What the scores of descriptions and of programs return."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.grid import align
from compiler.notation import value_to_json
from compiler.rasp.values import Value, show
from zoo.alignment.figures import rate_to_json
from zoo.auditing.certificate import Rate
from zoo.claims.renaming import ValueAgreement
from zoo.claims.substitution import Effects

VERSION = 1


@dataclass(frozen=True)
class ClaimCounterexample:
    """An input on which a claim is wrong.

    Attributes:
        what: `values`, `outputs` or `substitution`.
        tokens: the input.
        position: the first token at which it is wrong, from 0.
        claimed: what the claim says there, renamed.
        true: what is right.
        donor: of a substitution the input that the values come from.
    """

    what: str
    tokens: tuple[Value, ...]
    position: int
    claimed: Value
    true: Value
    donor: tuple[Value, ...] | None = None

    @property
    def text(self) -> str:
        """The counterexample in a sentence."""
        given = (
            "" if self.donor is None else f" with values from {show_row(self.donor)}"
        )
        return (
            f"first wrong {self.what}: on {show_row(self.tokens)}{given}, at token "
            f"{self.position}: claimed {show(self.claimed)}, true {show(self.true)}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the counterexample as JSON values."""
        plain = {"what": self.what, "position": self.position}
        words = {n: value_to_json(getattr(self, n)) for n in ("claimed", "true")}
        rows = {"tokens": [value_to_json(v) for v in self.tokens]}
        donor = self.donor and [value_to_json(v) for v in self.donor]
        return {**plain, **words, **rows, "donor": donor}


def show_row(tokens: Sequence[Value]) -> str:
    """Return an input as people write it."""
    return f"[{', '.join(map(show, tokens))}]"


@dataclass(frozen=True)
class DescriptionReport:
    """What a description of a component is worth.

    Attributes:
        model: its name.
        node: the head or MLP.
        variable: what it computes.
        kind: of the claim: `function`, `table` or `program`.
        inputs: number of inputs on which values were compared.
        complete: whether these are all inputs of the model.
        values: the input side: agreement of values, by row: `claimed`, the `oracle`,
            `constant` and `shuffled` (claimed values at permuted tokens).
        effects: the output side, by the same rows.
        counterexamples: the first of each side; empty where the claim is right.
        seed: of pairs and controls.
    """

    model: str
    node: str
    variable: str
    kind: str
    inputs: int
    complete: bool
    values: Mapping[str, ValueAgreement]
    effects: Mapping[str, Effects]
    counterexamples: tuple[ClaimCounterexample, ...]
    seed: int

    def __repr__(self) -> str:
        got = self.values["claimed"]
        side = f"gained {got.gained:.3f}, information {got.information:.3f}"
        return f"<DescriptionReport {self.model} {self.node}, {self.variable}: {side}>"

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The report as a table of text."""
        scope = "all" if self.complete else "a sample of"
        header = (
            "",
            "same",
            "renamed",
            "gained",
            "inform.",
            "program",
            "cause",
            "model",
        )
        rows = [
            _cells(name, self.values[name], self.effects[name]) for name in self.values
        ]
        lines = [
            f"{self.model} {self.node}, {self.variable}: {scope} {self.inputs} inputs",
            "",
            "  input side: same .. information; output side: program, cause, model",
            *align([header, *rows]),
        ]
        return "\n".join([*lines, *_told(self.counterexamples)])

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = ("model", "node", "variable", "kind", "inputs", "complete", "seed")
        return {
            "format": "circuitzoo.description",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in plain},
            "values": {name: found.to_json() for name, found in self.values.items()},
            "effects": {name: _effects(found) for name, found in self.effects.items()},
            "counterexamples": [c.to_json() for c in self.counterexamples],
        }


def _told(found: Sequence[ClaimCounterexample]) -> list[str]:
    lines = [line for c in found for line in textwrap.wrap(c.text, 78)]
    return ["", *lines] if lines else []


def _effects(found: Effects) -> dict[str, Any]:
    return {name: rate_to_json(rate) for name, rate in vars(found).items()}


def _cells(name: str, values: ValueAgreement, effects: Effects) -> tuple[str, ...]:
    figures = (
        values.same.share,
        values.renamed.share,
        values.gained,
        values.information,
        effects.program.share,
    )
    cause = "-" if effects.cause is None else f"{effects.cause.share:.3f}"
    shown = [f"{figure:.3f}" for figure in figures]
    return (name, *shown, cause, f"{effects.model.share:.3f}")


@dataclass(frozen=True)
class VariableMatch:
    """A variable of a claimed program, and where it was found.

    Attributes:
        claimed: its name in the program.
        variable: the model's variable that it is matched with; None if none is left.
        node: the head or MLP that computes that one.
        interchange: share of outputs, in the transformer with that site patched from
            a donor run, that are the claimed program's with its variable set.
        cause: the same over outputs that setting the variable changes.
        control: `cause` of the site that fits worst; None if no override shows.
    """

    claimed: str
    variable: str | None
    node: str | None
    interchange: Rate | None
    cause: Rate | None
    control: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the match as JSON values."""
        rates = {n: rate_to_json(getattr(self, n)) for n in ("interchange", "cause")}
        return {**vars(self), **rates}


@dataclass(frozen=True)
class ProgramReport:
    """What a program is worth that is said to be a model's.

    Attributes:
        model: its name.
        program: the claimed program's name.
        inputs: number of inputs on which outputs were compared.
        complete: whether these are all inputs of the model.
        behaviour: share of the model's outputs, at all tokens, that are the program's.
        constant: the same for a program that always has the commonest output.
        matches: its variables, each with the site that was given or found.
        size: its variables that take a component.
        shortest: those of the program that the model was made from.
        counterexample: the first input on which an output differs.
        seed: of pairs.
    """

    model: str
    program: str
    inputs: int
    complete: bool
    behaviour: Rate
    constant: float
    matches: tuple[VariableMatch, ...]
    size: int
    shortest: int
    counterexample: ClaimCounterexample | None
    seed: int

    def __repr__(self) -> str:
        share = self.behaviour.share
        return f"<ProgramReport {self.model}, {self.program}: behaviour {share:.4f}>"

    def __str__(self) -> str:
        return self.text

    @property
    def structure(self) -> float:
        """Mean of `cause` over variables; 0 for one without a site or an effect.

        The output is left out, for behaviour speaks of it; 1 if there is nothing else.
        """
        shares = [0.0 if m.cause is None else m.cause.share for m in self.matches]
        return sum(shares) / len(shares) if shares else 1.0

    @property
    def text(self) -> str:
        """The report as a table of text."""
        scope = "all" if self.complete else "a sample of"
        lines = [
            f"{self.model}, {self.program}: {self.behaviour.share:.4f} of the outputs "
            f"on {scope} {self.inputs}",
            f"inputs are the program's (a constant: {self.constant:.4f}); {self.size} "
            f"variables, known: {self.shortest}",
        ]
        if self.matches:
            header = ("variable", "matched with", "node", "IIA", "cause", "worst")
            lines += ["", *align([header, *(_match(m) for m in self.matches)])]
        told = () if self.counterexample is None else (self.counterexample,)
        return "\n".join([*lines, *_told(told)])

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = ("model", "program", "inputs", "complete", "constant", "size")
        wrong = self.counterexample
        return {
            "format": "circuitzoo.program_claim",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in plain},
            "shortest": self.shortest,
            "structure": self.structure,
            "behaviour": rate_to_json(self.behaviour),
            "matches": [match.to_json() for match in self.matches],
            "counterexample": None if wrong is None else wrong.to_json(),
            "seed": self.seed,
        }


def _match(found: VariableMatch) -> tuple[str, ...]:
    def share(rate: Rate | None) -> str:
        return "-" if rate is None else f"{rate.share:.3f}"

    worst = "-" if found.control is None else f"{found.control:.3f}"
    place = (found.variable or "-", found.node or "-")
    return (found.claimed, *place, share(found.interchange), share(found.cause), worst)
