"""Draw -> SampledProgram, or the reason why it is not kept."""

from __future__ import annotations

from dataclasses import dataclass, field

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
from zoo.sampling.goal import SampleGoal
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
    """A program is not kept; the reason is one of `REASONS`."""


@dataclass
class DrawJudge:
    """Which draws of a seed are kept, and which behaviours there are already.

    Attributes:
        goal: what is asked for.
        seed: of the suite.
        known: the hashes of the programs that were kept.
    """

    goal: SampleGoal
    seed: int
    known: set[str] = field(default_factory=set)
    inputs: ProbeInputs = field(init=False)

    def __post_init__(self) -> None:
        self.inputs = probe_inputs(len(self.goal.vocab), self.goal.max_len)

    def draw(self, number: int) -> SampledProgram:
        """Return the program of one draw.

        Raises:
            NotKept: it is not worth keeping, or it was found before.
        """
        built = build_expression(self.goal, Chance(f"{self.seed}-{number}"))
        name = f"sampled_{self.seed}_{number}".replace("-", "m")
        printed = self.printed(built, name)
        try:
            known = printed.typed()
            typed = simplify(check_defined(known[1], None))
            figures = self.behaviour(typed)
            scheduled = schedule(choose_codes(typed, Limits().parameters))
            nodes = self.nodes(scheduled)
            changed = self.changed(scheduled, figures)
            text = print_program(printed, known)
        except (ProgramError, InputError):
            raise NotKept("cannot be compiled") from None
        self.known.add(figures.hash)
        return SampledProgram(
            name=name,
            seed=self.seed,
            draw=number,
            layers=scheduled.n_layers,
            heads=self.goal.heads,
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

    def printed(self, built: BuiltExpression, name: str) -> Printed:
        """Return an expression with its inputs and a line that says what it is."""
        goal = self.goal
        meaning = f"A random program: seed {self.seed}, {', '.join(built.families)}."
        return Printed(built.sop, name, goal.vocab, goal.max_len, goal.causal, meaning)

    def behaviour(self, typed: Typed) -> BehaviourFigures:
        """Return the figures of a program whose function is worth keeping."""
        trace = interpret(typed, self.inputs.tokens, self.inputs.lengths)
        if (trace.output[self.inputs.live] < 0).any():
            raise NotKept("cannot be compiled")
        found = measure_behaviour(trace, self.inputs)
        if found.most_common > MOST_COMMON:
            raise NotKept("nearly constant")
        if not self.goal.local and found.local > MOST_COMMON:
            raise NotKept("a function of token and position")
        if found.hash in self.known:
            raise NotKept("computed before")
        return found

    def nodes(self, scheduled: Scheduled) -> int:
        """Return how many nodes a model has whose layers and heads are the goal's."""
        pairs = zip(scheduled.plan.steps, scheduled.places, strict=True)
        slots = [p.slot for s, p in pairs if s.weights is not None]
        heads = [slots.count(2 * layer) for layer in range(scheduled.n_layers)]
        if heads != [self.goal.heads] * self.goal.layers:
            raise NotKept("other layers or heads")
        return sum(heads) + len({slot for slot in slots if slot % 2})

    def changed(self, scheduled: Scheduled, figures: BehaviourFigures) -> float:
        """Return the least share of outputs that one step of the model changes."""
        steps = decompose(scheduled.plan)
        trace = interpret(steps, self.inputs.tokens, self.inputs.lengths)
        again = behaviour_hash(trace.output[self.inputs.live])
        assert again == figures.hash, "the steps compute what the program does"
        share = changed_share(steps, trace, self.inputs)
        if not share:
            raise NotKept("a part that changes nothing")
        return share
