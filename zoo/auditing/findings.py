"""What an audit found of single edges of the circuit, and of classes of inputs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from compiler.deprecation import warn_renamed
from compiler.rasp.values import Value
from zoo.auditing.rates import Rate

# The metadata of fields, which zoo.release.schema reads: an entry that may be left out,
# and the names of entries that are not those of the fields.
_SOURCE, _TURN = {"saved as": "source"}, {"saved as": "turn"}

Status = Literal["used", "unused", "undetectable"]


@dataclass(frozen=True)
class Witness:
    """A pair of inputs that shows an effect.

    Attributes:
        base: the base input.
        donor: the donor input.
        shift: by how many places the positions of the donor run are shifted.
        position: of the token at which the output changed, from 0.
        before: the outputs without the patch.
        after: the outputs with it.
    """

    base: tuple[Value, ...]
    donor: tuple[Value, ...] = field(metadata=_SOURCE)
    shift: int = field(metadata=_TURN)
    position: int
    before: tuple[Value, ...]
    after: tuple[Value, ...]

    @property
    def source(self) -> tuple[Value, ...]:
        """The old name of `donor`, for one version."""
        warn_renamed("Witness.source", "Witness.donor")
        return self.donor

    @property
    def turn(self) -> int:
        """The old name of `shift`, for one version."""
        warn_renamed("Witness.turn", "Witness.shift")
        return self.shift

    def to_json(self) -> dict[str, Any]:
        """Return the witness as plain JSON values, by the names that files have."""
        return {
            f.metadata.get("saved as", f.name): getattr(self, f.name)
            for f in fields(self)
        }


@dataclass(frozen=True)
class EdgeFinding:
    """The effect of patching one edge of the circuit alone.

    Attributes:
        edge: `source->reader`.
        carries: the variables on it.
        status: see the module.
        effect: share of positions at which the output changed.
        restored: share of right outputs when this edge and all edges outside the
            circuit are patched.
        witness: the first pair of inputs that shows the effect, or None.
    """

    edge: str
    carries: tuple[str, ...]
    status: Status
    effect: Rate
    restored: Rate
    witness: Witness | None

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON values."""
        witness = None if self.witness is None else self.witness.to_json()
        return {**asdict(self), "witness": witness}


@dataclass(frozen=True)
class ClassFindings:
    """What was found over the inputs of one class, as base and as donor inputs.

    Attributes:
        inputs: how many inputs of the class there were to draw from.
        all_inputs: whether these are all.
        pairs: how many pairs were run for each patch.
        behaviour: share of right outputs, nothing patched.
        all_edges: share of right outputs with everything outside the circuit patched.
        outside: the largest effect of an edge outside the circuit.
        circuit: the edges of the circuit; `used` are those that this class uses.
    """

    inputs: int
    all_inputs: bool
    pairs: int
    behaviour: Rate
    all_edges: Rate
    outside: Rate
    circuit: tuple[EdgeFinding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain JSON values."""
        circuit = [finding.to_json() for finding in self.circuit]
        return {**asdict(self), "circuit": circuit}
