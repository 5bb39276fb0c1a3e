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
    "act": ("relu", "gelu", "gelu_new", "silu"),
    "norm": ("none", "pre", "rms"),
    "positions": ("learned", "rotary"),
    "rotary_pairs": ("halves", "neighbours"),
    "biases": ("all", "qkv", "none"),
}
FLAGS = ("causal", "gated", "tied", "unembed_bias")
LATER = (
    "n_kv_heads",
    "gated",
    "biases",
    "tied",
    "unembed_bias",
    "rotary_pairs",
    "rotary_base",
)
"""Fields that came later. A file has them only where they are not the default, so that
files of earlier versions mean what they meant, and stay as they are byte for byte."""


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
        act: an MLP's non-linearity: `relu`; `gelu` (the exact one, with erf);
            `gelu_new` (GELU approximated by tanh, as in GPT-2); `silu`.
        norm: what is in front of every reader: `none`; `pre` for a LayerNorm; `rms`
            for an RMSNorm (Zhang and Sennrich 2019), without centring and bias.
        positions: `learned` adds an embedding to the stream; `rotary` turns
            queries and keys instead, and the source `positions` writes zero.
        causal: a position attends to itself and earlier ones only.
        bos_id: token that opens every sequence, if one does.
        pad_id: token that no position attends to, if there is one.
        ln_eps: added to the variance in a LayerNorm, and to the mean square in an
            RMSNorm.
        n_kv_heads: heads that have keys and values of their own (Ainslie et al. 2023);
            each serves n_heads / n_kv_heads neighbouring query heads. None for all.
            The arrays of a `Transformer` hold a copy for each query head.
        gated: an MLP multiplies the activation of one projection, `W_gate`, with
            another one, `W_in` (Shazeer 2020; with silu it is SwiGLU). It has no
            biases.
        biases: which projections have one: `all`; `qkv`, only queries, keys and
            values, as in Qwen2; `none`. The others are zeros.
        tied: the unembedding is the transposed embedding of the tokens.
        unembed_bias: the unembedding has a bias.
        rotary_pairs: which coordinates of a head are turned together: `halves` pairs
            i with i + d_head / 2 (GPT-NeoX, Llama), `neighbours` pairs 2i with 2i + 1
            (GPT-J; Su et al. 2021).
        rotary_base: the wavelengths of the rotation grow up to 2 pi times this.
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
    n_kv_heads: int | None = None
    gated: bool = False
    biases: str = "all"
    tied: bool = False
    unembed_bias: bool = True
    rotary_pairs: str = "halves"
    rotary_base: float = 10000.0

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
        problems += [
            f"{name} is {getattr(self, name)!r}; give True or False."
            for name in FLAGS
            if not isinstance(getattr(self, name), bool)
        ]
        for name in ("bos_id", "pad_id"):
            problems += self._token_problems(name, getattr(self, name))
        if self.bos_id is not None and self.bos_id == self.pad_id:
            problems.append(
                f"bos_id and pad_id are both {self.bos_id}; use two tokens."
            )
        if self.positions == "rotary" and _is_int(self.d_head) and self.d_head % 2:
            problems.append(f"rotary positions need an even d_head, not {self.d_head}.")
        for name in ("ln_eps", "rotary_base"):
            value = getattr(self, name)
            if not isinstance(value, float) or not value > 0:
                problems.append(f"{name} is {value!r}; give a positive number.")
        return problems + self._sharing_problems()

    def _sharing_problems(self) -> list[str]:
        """Return what is wrong with arrays that are shared."""
        problems, groups = [], self.n_kv_heads
        if groups is not None and not (
            _is_int(groups)
            and _is_int(self.n_heads)
            and groups >= 1
            and self.n_heads % groups == 0
        ):
            problems.append(
                f"n_kv_heads is {groups!r}; give an integer that divides n_heads, "
                f"{self.n_heads}, or None."
            )
        if self.tied and self.d_vocab != self.d_vocab_out:
            problems.append(
                f"tied needs as many logits as tokens, and d_vocab_out is "
                f"{self.d_vocab_out} where d_vocab is {self.d_vocab}."
            )
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
        """The shape of every array of such a transformer, under its field's name.

        An array whose values follow from others (keys and values that query heads
        share, biases of zero, a tied unembedding) is there in full. `stored_shapes`
        has those that are parameters.
        """
        per_head = self.n_layers, self.n_heads
        projection = (*per_head, self.d_model, self.d_head)
        n_pos = self.n_ctx if self.positions == "learned" else 0
        d_norm = 0 if self.norm == "none" else self.d_model
        d_shift = self.d_model if self.norm == "pre" else 0
        d_gate = self.d_mlp if self.gated else 0
        return {
            "W_E": (self.d_vocab, self.d_model),
            "W_pos": (n_pos, self.d_model),
            **dict.fromkeys(("W_Q", "W_K", "W_V"), projection),
            **dict.fromkeys(("b_Q", "b_K", "b_V"), (*per_head, self.d_head)),
            "W_O": (*per_head, self.d_head, self.d_model),
            "b_O": (self.n_layers, self.d_model),
            "W_gate": (self.n_layers, self.d_model, d_gate),
            "W_in": (self.n_layers, self.d_model, self.d_mlp),
            "b_in": (self.n_layers, self.d_mlp),
            "W_out": (self.n_layers, self.d_mlp, self.d_model),
            "b_out": (self.n_layers, self.d_model),
            **dict.fromkeys(("ln1_w", "ln2_w"), (self.n_layers, d_norm)),
            **dict.fromkeys(("ln1_b", "ln2_b"), (self.n_layers, d_shift)),
            "lnf_w": (d_norm,),
            "lnf_b": (d_shift,),
            "W_U": (self.d_model, self.d_vocab_out),
            "b_U": (self.d_vocab_out,),
        }

    @cached_property
    def derived(self) -> frozenset[str]:
        """The fields of arrays that follow from others, or are zeros; see `shapes`."""
        names: set[str] = set()
        if self.biases != "all":
            names |= {"b_O", "b_in", "b_out"}
        if self.biases == "none":
            names |= {"b_Q", "b_K", "b_V"}
        if self.gated:
            names |= {"b_in", "b_out"}
        if not self.unembed_bias:
            names.add("b_U")
        if self.tied:
            names.add("W_U")
        return frozenset(names)

    @cached_property
    def queries_per_key(self) -> int:
        """How many query heads use the keys and values of one head."""
        return self.n_heads // (self.n_kv_heads or self.n_heads)

    @cached_property
    def stored_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of the parameters: each once, and size 0 for what is derived."""
        shapes = dict(self.shapes)
        for name in self.derived:
            shapes[name] = (*shapes[name][:-1], 0)
        for name in ("W_K", "W_V", "b_K", "b_V"):
            layers, heads, *rest = shapes[name]
            shapes[name] = (layers, heads // self.queries_per_key, *rest)
        return shapes

    @property
    def n_params(self) -> int:
        """Number of parameters, biases and embeddings included, each counted once."""
        return sum(prod(shape) for shape in self.stored_shapes.values())

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values; `Config.from_json` reads them back."""
        defaults = {field.name: field.default for field in fields(self)}
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in LATER or value != defaults[name]
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Config":
        """Return the configuration that `to_json` wrote.

        Raises:
            FormatError: keys are missing or unknown; all of them are listed.
            InputError: a value is out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        missing = sorted(known - set(data) - set(LATER))
        if unknown or missing:
            raise FormatError(f"Config: unknown keys {unknown}, missing {missing}.")
        return cls(**data)


def _is_int(value: object) -> bool:
    """Return whether a value is an integer; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)
