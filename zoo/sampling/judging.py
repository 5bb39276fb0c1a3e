"""Draw -> a program that is worth keeping, or the reason why it is not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError, ProgramError
from compiler.ir.interpret import interpret
from compiler.ir.typed import Typed
from compiler.passes.check import check_defined
from compiler.passes.decomposition import decompose
from compiler.passes.infer import Limits
from compiler.passes.plan import choose_codes
from compiler.passes.schedule import Scheduled, schedule
from compiler.passes.simplify import simplify
from compiler.text.printer import Printed, print_program
from zoo.sampling.behaviour import (
    MOST_COMMON,
    BehaviourFigures,
    ProbeInputs,
    behaviour_hash,
    measure_behaviour,
    probe_inputs,
)
from zoo.sampling.builder import BuiltExpression, build_expression
from zoo.sampling.chance import Chance
from zoo.sampling.forms import OF_OUTPUT
from zoo.sampling.goal import GoalChoices, SampleGoal
from zoo.sampling.necessity import changed_share
from zoo.sampling.program import SampledProgram

REASONS: tuple[str, ...] = (
    "cannot be compiled",
    "nearly constant",
    "a function of token and position",
    "computed before",
    "other layers or heads",
    "a part that changes nothing",
)
"""Why a program is not kept, in the order in which it is checked."""


class NotKept(Exception):
    """A program is not kept.

    Attributes:
        reason: one of `REASONS`.
        hash: of its behaviour, where that was measured and is worth keeping.
    """

    def __init__(self, reason: str, hash: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.hash = reason, hash


@dataclass(frozen=True, eq=False)
class KeptDraw:
    """A draw that is worth keeping.

    Attributes:
        program: its text and its figures.
        scheduled: how its model is compiled, so far.
        outputs: [input, max_len] of its steps on the probe inputs, as indices.
    """

    program: SampledProgram
    scheduled: Scheduled
    outputs: Int[np.ndarray, "input seq"]


@dataclass
class DrawJudge:
    """Which draws of a seed are kept.

    Attributes:
        choices: what is asked for.
        seed: of the suite.
        known: the hashes of programs that were kept, as far as they are known here: a
            draw whose hash is among them is not looked at any further.
    """

    choices: GoalChoices
    seed: int
    known: set[str] = field(default_factory=set)
    inputs: ProbeInputs = field(init=False)

    def __post_init__(self) -> None:
        goal = self.choices.any
        self.inputs = probe_inputs(len(goal.vocab), goal.max_len)

    def draw(self, number: int) -> KeptDraw:
        """Return the program of one draw.

        Raises:
            NotKept: it is not worth keeping, or it was found before.
        """
        goal = self.choices.of_draw(self.seed, number)
        built = build_expression(goal, Chance(f"{self.seed}-{number}"))
        name = f"sampled_{self.seed}_{number}".replace("-", "m")
        printed = _printed(goal, built, name, self.seed)
        figures = None
        try:
            known = printed.typed()
            typed = simplify(check_defined(known[1], None))
            figures = self.behaviour(goal, typed)
            scheduled = schedule(choose_codes(typed, Limits().parameters))
            nodes = _nodes(goal, scheduled)
            changed, outputs = self.changed(scheduled, figures)
            text = print_program(printed, known)
        except (ProgramError, InputError):
            there = None if figures is None else figures.hash
            raise NotKept("cannot be compiled", there) from None
        except NotKept as found:
            if found.hash is None and figures is not None:
                raise NotKept(found.reason, figures.hash) from None
            raise
        program = SampledProgram(
            name=name,
            seed=self.seed,
            draw=number,
            layers=scheduled.n_layers,
            heads=goal.heads,
            nodes=nodes,
            variables=len(typed.variables),
            output={kind: name for name, kind in OF_OUTPUT.items()}[built.kind],
            families=built.families,
            hash=figures.hash,
            most_common=figures.most_common,
            local=figures.local,
            changed=changed,
            text=text,
        )
        return KeptDraw(program, scheduled, outputs)

    def behaviour(self, goal: SampleGoal, typed: Typed) -> BehaviourFigures:
        """Return the figures of a program whose function is worth keeping."""
        trace = interpret(typed, self.inputs.tokens, self.inputs.lengths)
        if (trace.output[self.inputs.live] < 0).any():
            raise NotKept("cannot be compiled")
        found = measure_behaviour(trace, self.inputs)
        if found.most_common > MOST_COMMON:
            raise NotKept("nearly constant")
        if not goal.local and found.local > MOST_COMMON:
            raise NotKept("a function of token and position")
        if found.hash in self.known:
            raise NotKept("computed before", found.hash)
        return found

    def changed(
        self, scheduled: Scheduled, figures: BehaviourFigures
    ) -> tuple[float, Int[np.ndarray, "input seq"]]:
        """Return (the least share of outputs that one step changes, all outputs)."""
        steps = decompose(scheduled.plan)
        trace = interpret(steps, self.inputs.tokens, self.inputs.lengths)
        again = behaviour_hash(trace.output[self.inputs.live])
        assert again == figures.hash, "the steps compute what the program does"
        share = changed_share(steps, trace, self.inputs)
        if not share:
            raise NotKept("a part that changes nothing")
        return share, trace.output


def _printed(goal: SampleGoal, built: BuiltExpression, name: str, seed: int) -> Printed:
    """Return an expression with its inputs and a line that says what it is."""
    meaning = f"A random program: seed {seed}, {', '.join(built.families)}."
    inputs = goal.vocab, goal.max_len, goal.causal
    return Printed(built.sop, name, *inputs, meaning, explicit=True)


def _nodes(goal: SampleGoal, scheduled: Scheduled) -> int:
    """Return how many nodes a model has whose layers and heads are the goal's."""
    pairs = zip(scheduled.plan.steps, scheduled.places, strict=True)
    slots = [p.slot for s, p in pairs if s.weights is not None]
    heads = [slots.count(2 * layer) for layer in range(scheduled.n_layers)]
    if heads != [goal.heads] * goal.layers:
        raise NotKept("other layers or heads")
    return sum(heads) + len({slot for slot in slots if slot % 2})
