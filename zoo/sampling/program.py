"""One sampled program: its text, where it comes from, and its figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compiler.rasp.program import Program


@dataclass(frozen=True)
class SampledProgram:
    """A program that was drawn at random and kept.

    Attributes:
        name: its name, and the file's without `.rasp`.
        seed: of the suite.
        draw: which of the seed's draws it is; `seed` and `draw` give it again.
        layers: attention layers of the compiled model.
        heads: attention heads in each of these layers.
        nodes: heads and MLPs of the compiled model that hold a variable.
        variables: variables of the program, tokens and positions included.
        output: `categorical`, `numerical` or `boolean`.
        families: the families of primitives that its heads are of.
        hash: of its behaviour, up to the names of outputs.
        most_common: share of the commonest output.
        local: share of positions at which the best function of one token and its
            position gives the same.
        changed: least share of outputs that the interchange of one head or one table
            changes.
        text: the program as RASP text, vocabulary and length included.
    """

    name: str
    seed: int
    draw: int
    layers: int
    heads: int
    nodes: int
    variables: int
    output: str
    families: tuple[str, ...]
    hash: str
    most_common: float
    local: float
    changed: float
    text: str

    def program(self) -> Program:
        """Return the program, as any function of the zoo takes it."""
        from compiler.text.program import read_program
        from compiler.text.source import SourceText

        return read_program(SourceText(self.text, f"{self.name}.rasp"))

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return asdict(self) | {"families": list(self.families)}


@dataclass(frozen=True)
class SampledSuite:
    """Programs of one goal and one seed.

    Attributes:
        programs: what was kept, in the order of their draws.
        seed: of all draws.
        goal: what was asked for, as JSON values.
        draws: how many programs were drawn.
        rejected: how many were not kept, by reason.
    """

    programs: tuple[SampledProgram, ...]
    seed: int
    goal: dict[str, Any]
    draws: int
    rejected: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the suite without its programs, as JSON values."""
        return {
            "format": "circuitzoo sampled programs, 1",
            "programs": len(self.programs),
            "seed": self.seed,
            "goal": self.goal,
            "draws": self.draws,
            "rejected": self.rejected,
        }
