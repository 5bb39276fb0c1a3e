"""The calls of the arena: typed messages, what they cost, what they may hold.

A call is a JSON object with its name under `call` and its arguments beside it. Types
say what the arguments are; `zoo.release.schema` makes of them the reader that believes
nothing, and the JSON Schema that MCP clients are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from compiler.errors import FormatError, InputError, ZooError, unknown_name
from compiler.notation import LocatedJson, parse, with_remedy
from compiler.rasp.values import Value
from zoo.release.schema import MAY_LACK, FieldRule, read, schema_of

MOST_BYTES = 2**20
"""Bytes of one call."""
MOST_ITEMS = 2**16
"""JSON values of one call."""
MOST_INPUTS, MOST_CACHED, MOST_PATCHES = 256, 64, 256
"""Inputs of one `run` or `logits`; inputs of one `cache`; patches of one call."""
LONGEST_TEXT = 20_000
"""Characters of a program in a submission."""
LARGEST_NUMBER = 1_000_000
"""The largest absolute value of a number in a vector."""
_MAY_LACK = {MAY_LACK: True}

TokenRow = tuple[Value, ...]
PartNames = tuple[str, ...]
Vectors = tuple[tuple[float, ...], ...]
ProgramText = Annotated[str, FieldRule(longest=LONGEST_TEXT)]


@dataclass(frozen=True)
class InfoCall:
    """Shape of the model, its tokens and outputs, names, budget, prices and limits."""

    @property
    def price(self) -> int:
        """Forward passes that the call costs."""
        return 0


@dataclass(frozen=True)
class RunCall:
    """Outputs of the model, one for each token of each input.

    Attributes:
        inputs: the inputs, each a list of tokens.
    """

    inputs: tuple[TokenRow, ...]

    @property
    def price(self) -> int:
        """Forward passes that the call costs."""
        return len(self.inputs)


@dataclass(frozen=True)
class LogitsCall(RunCall):
    """Logits of the model at each token of each input."""


@dataclass(frozen=True)
class CacheCall(RunCall):
    """What sources write to the residual stream, at BOS and at each token.

    Attributes:
        sources: names of sources; all of them if left out.
    """

    sources: PartNames | None = field(default=None, metadata=_MAY_LACK)


@dataclass(frozen=True)
class PatchCall:
    """Logits and outputs of one input under patches, each patch in a run of its own.

    Attributes:
        base: the input that is run.
        patches: each a list of edges (`m0->a1.h0<q>`) and of sources (`m0`: all of
            its edges) that see the donor run.
        donor: the input of the donor run; in its place there may be `vectors`.
        shift: by how many places the donor run's position embeddings are shifted.
        vectors: by source, what it is to write: a row of d_model numbers for BOS and
            for each token of the base input.
        positions: where the patch is made, BOS counting as 0; wherever both inputs
            have a token, and at BOS, if left out.
        strength: the share of the difference between donor and base that is added.
    """

    base: TokenRow
    patches: tuple[PartNames, ...]
    donor: TokenRow | None = field(default=None, metadata=_MAY_LACK)
    shift: Annotated[int, FieldRule(least=0, most=1000)] = field(
        default=0, metadata=_MAY_LACK
    )
    vectors: Mapping[str, tuple[tuple[float, ...], ...]] | None = field(
        default=None, metadata=_MAY_LACK
    )
    positions: tuple[int, ...] | None = field(default=None, metadata=_MAY_LACK)
    strength: float = field(default=1.0, metadata=_MAY_LACK)

    @property
    def price(self) -> int:
        """Forward passes that the call costs: one for the donor, one for each patch."""
        return len(self.patches) + (self.donor is not None)


@dataclass(frozen=True)
class AblateCall:
    """Logits and outputs of one input with writes removed, each patch by itself.

    Attributes:
        base: the input that is run.
        patches: as of `patch`.
        value: what stands in the place of a write: `zero`, or its `mean` at that
            position over inputs of the arena's own.
        positions: as of `patch`.
    """

    base: TokenRow
    patches: tuple[PartNames, ...]
    value: Literal["zero", "mean"] = field(default="mean", metadata=_MAY_LACK)
    positions: tuple[int, ...] | None = field(default=None, metadata=_MAY_LACK)

    @property
    def price(self) -> int:
        """Forward passes that the call costs."""
        return len(self.patches)


@dataclass(frozen=True)
class TableRow:
    """One input of a table, and what the component holds at each of its tokens."""

    tokens: TokenRow
    values: TokenRow


@dataclass(frozen=True)
class NodeDescription:
    """What a head or an MLP is said to hold at each token: exactly one of these.

    Attributes:
        rasp: a program as RASP text; its last sequence is meant.
        tokens: a row a token: the token, the value.
        inputs: a row an input: its tokens, the value at each of them.
    """

    rasp: ProgramText | None = field(default=None, metadata=_MAY_LACK)
    tokens: tuple[TokenRow, ...] | None = field(default=None, metadata=_MAY_LACK)
    inputs: tuple[TableRow, ...] | None = field(default=None, metadata=_MAY_LACK)


@dataclass(frozen=True)
class SubmitCall:
    """What the agent claims; the answer is the verdict. It can be made once.

    Attributes:
        edges: a score in [0, 1] by edge, the greater the surer; 0 if left out. Those
            of at least 0.5 are claimed to be the circuit.
        roles: by head or MLP of the circuit one of five roles.
        descriptions: by head or MLP what it holds at each token.
        program: the program that the model computes, as RASP text.
    """

    edges: Mapping[str, float] = field(default_factory=dict, metadata=_MAY_LACK)
    roles: Mapping[str, str] = field(default_factory=dict, metadata=_MAY_LACK)
    descriptions: Mapping[str, NodeDescription] = field(
        default_factory=dict, metadata=_MAY_LACK
    )
    program: ProgramText | None = field(default=None, metadata=_MAY_LACK)

    @property
    def price(self) -> int:
        """Forward passes that the call costs."""
        return 0


ArenaCall = (
    InfoCall | RunCall | LogitsCall | CacheCall | PatchCall | AblateCall | SubmitCall
)
CALLS: Mapping[str, type[Any]] = {
    "info": InfoCall,
    "run": RunCall,
    "logits": LogitsCall,
    "cache": CacheCall,
    "patch": PatchCall,
    "ablate": AblateCall,
    "submit": SubmitCall,
}


def read_line(line: bytes) -> LocatedJson:
    """Return the JSON of one call.

    Raises:
        FormatError: it is no JSON within bounds.
    """
    if len(line) > MOST_BYTES:
        raise FormatError(
            f"call: found more than {MOST_BYTES} bytes, expected at most that. Send "
            "fewer inputs at a time"
        )
    return parse(line, "call", MOST_ITEMS)


def read_call(name: str, arguments: LocatedJson) -> ArenaCall:
    """Return a call in its type, within its bounds.

    Args:
        name: of the call.
        arguments: the object of its arguments.

    Raises:
        NameLookupError: there is no such call.
        FormatError: the arguments are not of its types.
        InputError: they are too many, or exclude each other.
    """
    if name not in CALLS:
        raise unknown_name("call", name[:40], CALLS)
    call = read(CALLS[name], arguments)
    _check_bounds(name, call)
    return call


def _check_bounds(name: str, call: ArenaCall) -> None:
    if isinstance(call, RunCall):
        most = MOST_CACHED if isinstance(call, CacheCall) else MOST_INPUTS
        _check_count(f"{name}, inputs", len(call.inputs), most)
    if isinstance(call, PatchCall | AblateCall):
        _check_count(f"{name}, patches", len(call.patches), MOST_PATCHES)
    if isinstance(call, PatchCall) and (call.donor is None) == (call.vectors is None):
        raise InputError(
            "patch: give a donor input, or vectors in its place, and not both"
        )
    if isinstance(call, PatchCall) and not -10 <= call.strength <= 10:
        raise InputError(f"patch: strength is {call.strength:g}; give -10 to 10")
    if isinstance(call, SubmitCall):
        for node, said in call.descriptions.items():
            if sum(v is not None for v in vars(said).values()) != 1:
                raise InputError(
                    f"submit, descriptions of {node[:40]}: give exactly one of rasp, "
                    "tokens and inputs"
                )


def _check_count(what: str, found: int, most: int) -> None:
    if not 1 <= found <= most:
        raise InputError(f"{what}: found {found}, expected 1 to {most}. Send fewer")


def wording(error: ZooError) -> str:
    """Return what an error says, with a remedy for whoever sends calls."""
    return with_remedy(error, "docs/arena.md shows every call")


def call_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a call's arguments."""
    return schema_of(CALLS[name])
