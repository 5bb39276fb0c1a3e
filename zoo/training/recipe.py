"""How a model is trained: its size, its schedule, its thresholds. One frozen type.

A recipe is a small TOML file, or the defaults; unknown keys are refused.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from compiler.errors import InputError, nearest

if TYPE_CHECKING:
    from zoo.causal.model import CausalModel

KEYS_ARE_LISTED = "`zoo train --recipe-keys` lists the keys"
PROGRAM = "program"
"""The table of a run's recipe that names its program; not a part of the recipe."""


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training run.

    Attributes:
        n_layers: layers; 0 for the larger of 2 and what the circuit needs.
        n_heads: heads a layer; 0 for the larger of 4 and twice what it needs.
        d_model: width; 0 to derive it from the circuit.
        d_head: 0 for d_model / n_heads.
        d_mlp: 0 for 4 * d_model.
        act: `gelu` or `relu`.
        norm: `none` or `pre`.
        positions: `learned` or `rotary`.
        placement: `identity` or `random` (which head a variable takes).
        seed: seed of the weights, the batches and a random placement.
        inputs_seed: seed of the inputs that are trained on and of those held out.
        steps: the most optimizer steps.
        batch: examples of a step.
        learning_rate: its peak, after `warmup` steps; a cosine falls to a hundredth.
        warmup: steps over which the learning rate rises to its peak.
        weight_decay: of AdamW.
        clip: gradients of a greater global norm are scaled down to this norm.
        circuit_steps: the most steps of the first phase, the circuit-only phase. In
            all of its examples every edge outside the circuit is patched.
        open_at: the circuit-only phase ends earlier once accuracy, with every edge
            outside the circuit patched, reaches this value.
        opening_steps: steps of the second phase, over which the share of such fully
            patched examples is lowered from 1 to `keep`.
        keep: share of fully patched examples after the second phase.
        behaviour: share of the other examples in which nothing is patched.
        interchange: share of examples in which variables of the circuit are set from
            a donor run, the run of another input.
        strict_nodes: share of examples in which random nodes outside the circuit are
            set from a donor run.
        strict_edges: share of examples in which random edges outside the circuit are
            set from a donor run.
        decoding: weight of a loss that reads each variable linearly off its node. It
            counts in full in the first phase, and ever less over the second.
        attending: weight of a loss on heads that do not attend to what the program
            selects. It falls as `decoding` does, and is there only where the causal
            model says what is selected.
        donor_gradient: whether gradients also flow through the donor run.
        same_length: share of donor inputs that are drawn as long as their base input,
            so that the two can differ at one place only.
        check_every: steps between checks on held-out inputs, each with a checkpoint.
        pairs: held-out pairs of a check.
        behaviour_at_least: threshold of the accuracy with nothing patched. Training
            ends when all four thresholds are met; an audit asks for a little less, of
            many more pairs.
        interchange_at_least: threshold of the accuracy with the worst variable set.
        nodes_at_least: threshold with the worst node outside the circuit patched.
        edges_at_least: threshold with the worst edge outside the circuit patched, and
            with all of them patched at once.
        inputs: the most inputs that are drawn from.
    """

    n_layers: int = 0
    n_heads: int = 0
    d_model: int = 0
    d_head: int = 0
    d_mlp: int = 0
    act: str = "gelu"
    norm: str = "none"
    positions: str = "learned"
    placement: str = "identity"
    seed: int = 0
    inputs_seed: int = 0
    steps: int = 12_000
    batch: int = 48
    learning_rate: float = 3e-3
    warmup: int = 300
    weight_decay: float = 1e-2
    clip: float = 1.0
    circuit_steps: int = 3000
    open_at: float = 0.97
    opening_steps: int = 2500
    keep: float = 0.0
    behaviour: float = 0.125
    interchange: float = 0.375
    strict_nodes: float = 0.25
    strict_edges: float = 0.25
    decoding: float = 1.0
    attending: float = 0.0
    donor_gradient: bool = True
    same_length: float = 0.0
    check_every: int = 500
    pairs: int = 1024
    behaviour_at_least: float = 0.998
    interchange_at_least: float = 0.998
    nodes_at_least: float = 0.998
    edges_at_least: float = 0.995
    inputs: int = 50_000

    def __post_init__(self) -> None:
        from compiler.machine.config import CHOICES  # it imports NumPy

        problems = [
            f"{name} is {getattr(self, name)!r}; it must be at least {least}"
            for name, least in _LEAST.items()
            if getattr(self, name) < least
        ]
        problems += [
            f"{name} is {getattr(self, name)!r}; it is a share, at most 1"
            for name in ("keep", "same_length")
            if getattr(self, name) > 1
        ]
        shares = [
            self.behaviour,
            self.interchange,
            self.strict_nodes,
            self.strict_edges,
        ]
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            problems.append(
                f"behaviour, interchange, strict_nodes and strict_edges are {shares}; "
                "they must be shares that sum to 1"
            )
        problems += [
            f"{name} is {getattr(self, name)!r}; choose {' or '.join(map(repr, few))}"
            for name, few in {**CHOICES, "placement": ("identity", "random")}.items()
            if getattr(self, name) not in few
        ]
        if self.positions == "rotary" and self.d_head % 2:
            problems.append(f"d_head is {self.d_head}; rotary positions need an even")
        if problems:
            raise InputError("recipe: " + "; ".join(problems) + ".")


class RecipeChanges(TypedDict, total=False):
    """Fields of a `Recipe`, as keyword arguments: what each means is said there."""

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    act: str
    norm: str
    positions: str
    placement: str
    seed: int
    inputs_seed: int
    steps: int
    batch: int
    learning_rate: float
    warmup: int
    weight_decay: float
    clip: float
    circuit_steps: int
    open_at: float
    opening_steps: int
    keep: float
    behaviour: float
    interchange: float
    strict_nodes: float
    strict_edges: float
    decoding: float
    attending: float
    donor_gradient: bool
    same_length: float
    check_every: int
    pairs: int
    behaviour_at_least: float
    interchange_at_least: float
    nodes_at_least: float
    edges_at_least: float
    inputs: int


_LEAST = {
    "n_layers": 0,
    "n_heads": 0,
    "d_model": 0,
    "d_head": 0,
    "d_mlp": 0,
    "steps": 1,
    "batch": 4,
    "warmup": 0,
    "circuit_steps": 0,
    "open_at": 0,
    "opening_steps": 0,
    "keep": 0,
    "same_length": 0,
    "decoding": 0,
    "attending": 0,
    "check_every": 1,
    "pairs": 1,
    "inputs": 2,
    "learning_rate": 1e-8,
    "clip": 1e-8,
    "weight_decay": 0,
}


def read_recipe(path: Path) -> Recipe:
    """Return the recipe of a TOML file.

    Raises:
        InputError: it is not TOML, or has an unknown key or an impossible value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"recipe {path}: cannot be read: {error}") from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, where: str = "recipe") -> Recipe:
    """Return the recipe that TOML says.

    Raises:
        InputError: it is not TOML, or has an unknown key or an impossible value.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"recipe {where}: cannot be read: {error}") from None
    data.pop(PROGRAM, None)  # the recipe of a run says what was trained
    return change(Recipe(), data, where)


def change(recipe: Recipe, changes: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Return the recipe with some values changed.

    Raises:
        InputError: a key is unknown, or a value has the wrong type.
    """
    known = {f.name: type(getattr(recipe, f.name)) for f in fields(recipe)}
    problems = []
    converted: dict[str, Any] = {}
    for key, value in changes.items():
        if key not in known:
            hint = nearest(key, known)
            problems.append(f"unknown key {key!r}.{hint} {KEYS_ARE_LISTED}")
            continue
        kind = known[key]
        fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value, fits = float(value), True
        if not fits:
            article = "an" if kind is int else "a"
            noun = f"{article} {kind.__name__}"
            problems.append(f"{key} is {value!r}; it must be {noun}")
        converted[key] = value
    if problems:
        raise InputError(f"{where}: " + "; ".join(problems))
    return replace(recipe, **converted)


def twin_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe of the natural twin: the same in all, but behaviour only."""
    return replace(
        recipe,
        behaviour=1.0,
        interchange=0.0,
        strict_nodes=0.0,
        strict_edges=0.0,
        circuit_steps=0,
        opening_steps=0,
        keep=0.0,
        decoding=0.0,
        attending=0.0,
        interchange_at_least=0.0,
        nodes_at_least=0.0,
        edges_at_least=0.0,
    )


def is_twin(recipe: Mapping[str, Any]) -> bool:
    """Return whether a recipe, by key, trains behaviour alone: a natural twin."""
    shares = ("interchange", "strict_nodes", "strict_edges")
    return all(recipe.get(share, 1) == 0 for share in shares)


def describe_keys() -> list[tuple[str, str, str]]:
    """Return (key, default, meaning) of every key, as the docstring has them."""
    defaults = {field.name: field.default for field in fields(Recipe)}
    text = inspect.cleandoc(Recipe.__doc__ or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n     +.*)*)", text, re.MULTILINE)
    return [
        (key, _to_text(defaults[key]), " ".join(meaning.replace("`", "").split()))
        for key, meaning in found
    ]


def parse_setting(text: str) -> tuple[str, Any]:
    """Return (key, value) of `key=value`, the value as TOML has it."""
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set takes key=value, and {text!r} has no '='")
    try:
        return key.strip(), tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def to_toml(recipe: Recipe | Mapping[str, Any]) -> str:
    """Return a recipe, or some of its keys, as TOML; `read_recipe` reads it back."""
    entries = asdict(recipe) if isinstance(recipe, Recipe) else recipe
    return "".join(f"{key} = {_to_text(value)}\n" for key, value in entries.items())


def _to_text(value: Any) -> str:
    """Return a value as TOML has it."""
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return shown.replace("'", '"')


def sized(recipe: Recipe, model: CausalModel) -> Recipe:
    """Return the recipe with every derived size filled in."""
    needed = 1 + max((v.layer for v in model.variables), default=0)
    heads: dict[int, int] = {}
    for variable in model.variables:
        if variable.kind == "head":
            heads[variable.layer] = heads.get(variable.layer, 0) + 1
    n_layers = recipe.n_layers or max(2, needed)
    n_heads = recipe.n_heads or max(4, 2 * max(heads.values(), default=0))
    values = sum(min(v.size, 16) for v in model.variables)
    wanted = model.d_vocab + model.n_ctx // 2 + values
    d_model = recipe.d_model or min(
        96, -(-max(wanted, 4 * n_heads) // n_heads) * n_heads
    )
    d_head = recipe.d_head or max(4, d_model // n_heads)
    return replace(
        recipe,
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d_model,
        d_head=d_head,
        d_mlp=recipe.d_mlp or 4 * d_model,
    )
