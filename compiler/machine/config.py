"""The shape and the options of a transformer.

A `Config` and a `Weights` make a `Transformer`. The configuration is hashable, so
that it can be static under `jax.jit`, and is checked once, here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from math import prod
from typing import Any

from compiler.errors import FormatError, InputError
from compiler.machine.names import Names

SIZES = (
    "n_layers",
    "n_heads",
    "d_model",
    "d_head",
    "d_mlp",
    "d_vocab",
    "d_vocab_out",
    "n_ctx",
)
CHOICES = {
    "act": ("relu", "gelu"),
    "norm": ("none", "pre"),
    "positions": ("learned", "rotary"),
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """A transformer's shape and options.

    Args:
        n_layers: layers, each of attention heads followed by an MLP.
        n_heads: attention heads a layer.
        d_model: width of the residual stream.
        d_head: width of a head's queries, keys and values.
        d_mlp: hidden units of an MLP.
        d_vocab: number of input tokens.
        d_vocab_out: number of logits at a position.
        n_ctx: longest sequence.
        act: an MLP's non-linearity, `relu` or `gelu` (the exact one, with erf).
        norm: `none`, or `pre` for a LayerNorm in front of every reader.
        positions: `learned` adds an embedding to the stream; `rotary` turns
            queries and keys instead, and the source `positions` writes zero.
        causal: a position attends to itself and earlier ones only.
        bos_id: token that opens every sequence, if one does.
        pad_id: token that no position attends to, if there is one.
        ln_eps: added to the variance in a LayerNorm.
    """

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    d_vocab: int
    d_vocab_out: int
    n_ctx: int
    act: str = "relu"
    norm: str = "none"
    positions: str = "learned"
    causal: bool = False
    bos_id: int | None = None
    pad_id: int | None = None
    ln_eps: float = 1e-5

    def __post_init__(self) -> None:
        problems = [*self._size_problems(), *self._option_problems()]
        if problems:
            raise InputError("Config: " + " ".join(problems))

    def _size_problems(self) -> list[str]:
        return [
            f"{name} is {getattr(self, name)!r}; give an integer of at least 1."
            for name in SIZES
            if not _is_int(getattr(self, name)) or getattr(self, name) < 1
        ]

    def _option_problems(self) -> list[str]:
        problems = [
            f"{name} is {getattr(self, name)!r}; choose one of {choices}."
            for name, choices in CHOICES.items()
            if getattr(self, name) not in choices
        ]
        if not isinstance(self.causal, bool):
            problems.append(f"causal is {self.causal!r}; give True or False.")
        for name in ("bos_id", "pad_id"):
            problems += self._token_problems(name, getattr(self, name))
        if self.bos_id is not None and self.bos_id == self.pad_id:
            problems.append(
                f"bos_id and pad_id are both {self.bos_id}; use two tokens."
            )
        if self.positions == "rotary" and _is_int(self.d_head) and self.d_head % 2:
            problems.append(f"rotary positions need an even d_head, not {self.d_head}.")
        if not isinstance(self.ln_eps, float) or not self.ln_eps > 0:
            problems.append(f"ln_eps is {self.ln_eps!r}; give a positive number.")
        return problems

    def _token_problems(self, name: str, token: Any) -> list[str]:
        if token is None or not _is_int(self.d_vocab):
            return []
        if _is_int(token) and 0 <= token < self.d_vocab:
            return []
        return [f"{name} is {token!r}; give a token in 0..{self.d_vocab - 1} or None."]

    @cached_property
    def names(self) -> Names:
        """The names of this transformer's sources, readers and edges."""
        return Names(self.n_layers, self.n_heads)

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every array of such a transformer, under its field's name."""
        per_head = self.n_layers, self.n_heads
        projection = (*per_head, self.d_model, self.d_head)
        n_pos = self.n_ctx if self.positions == "learned" else 0
        d_norm = self.d_model if self.norm == "pre" else 0
        return {
            "W_E": (self.d_vocab, self.d_model),
            "W_pos": (n_pos, self.d_model),
            **dict.fromkeys(("W_Q", "W_K", "W_V"), projection),
            **dict.fromkeys(("b_Q", "b_K", "b_V"), (*per_head, self.d_head)),
            "W_O": (*per_head, self.d_head, self.d_model),
            "b_O": (self.n_layers, self.d_model),
            "W_in": (self.n_layers, self.d_model, self.d_mlp),
            "b_in": (self.n_layers, self.d_mlp),
            "W_out": (self.n_layers, self.d_mlp, self.d_model),
            "b_out": (self.n_layers, self.d_model),
            **dict.fromkeys(
                ("ln1_w", "ln1_b", "ln2_w", "ln2_b"), (self.n_layers, d_norm)
            ),
            **dict.fromkeys(("lnf_w", "lnf_b"), (d_norm,)),
            "W_U": (self.d_model, self.d_vocab_out),
            "b_U": (self.d_vocab_out,),
        }

    @property
    def n_params(self) -> int:
        """Number of weights, biases and embeddings included."""
        return sum(prod(shape) for shape in self.shapes.values())

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values; `Config.from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Config":
        """Return the configuration that `to_json` wrote.

        Raises:
            FormatError: keys are missing or unknown; all of them are listed.
            InputError: a value is out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown, missing = sorted(set(data) - known), sorted(known - set(data))
        if unknown or missing:
            raise FormatError(f"Config: unknown keys {unknown}, missing {missing}.")
        return cls(**data)


def _is_int(value: object) -> bool:
    """Return whether a value is an integer; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)
