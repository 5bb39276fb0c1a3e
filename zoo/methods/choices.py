"""A method with other choices of patching than a case's own: `exact@loss=divergence`.

    exact@ablation=mean,loss=probability
    eap@direction=denoise,shifted=0
    random@shifted=0                       scored on pairs without shifted positions
    exact@weights=random                   of a model that was not trained: a control

Names are read here without importing a method, or jax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from compiler.errors import InputError, unknown_name
from zoo.cases.choices import ABLATIONS, DIRECTIONS, LOSSES, NOISE

if TYPE_CHECKING:
    from zoo.cases.case import Case

AT = "@"
WEIGHTS = ("own", "random")
WORDS = {
    "ablation": ABLATIONS,
    "loss": LOSSES,
    "direction": DIRECTIONS,
    "weights": WEIGHTS,
}
AXES: Mapping[str, tuple[Any, ...]] = {
    "ablation": ABLATIONS,
    "loss": LOSSES,
    "direction": DIRECTIONS,
    "noise": (1.0, NOISE),
}
"""What a grid can vary, and the values that it takes."""


@dataclass(frozen=True)
class PatchingChoice:
    """Choices of patching; see `zoo.cases.choices`.

    Attributes:
        ablation: what stands in the place of a patched write.
        loss: what the effect of a patch is measured by.
        direction: `noise` or `denoise`.
        noise: standard deviations of gaussian noise.
        shifted: share of the pairs with shifted positions; that of the case if None.
        weights: `own`, or `random` for a model that was not trained.
    """

    ablation: str = "resample"
    loss: str = "difference"
    direction: str = "noise"
    noise: float = NOISE
    shifted: float | None = None
    weights: str = "own"

    def __str__(self) -> str:
        return ",".join(f"{k}={_spell(v)}" for k, v in self.changes().items())

    def changes(self) -> dict[str, Any]:
        """Return what differs from the defaults."""
        plain = PatchingChoice()
        names = [field.name for field in fields(self)]
        found = {name: getattr(self, name) for name in names}
        return {k: v for k, v in found.items() if v != getattr(plain, k)}

    def shift(self, case: Case) -> Case:
        """Return the case with this share of shifted positions."""
        return case if self.shifted is None else case.with_shifts(self.shifted)

    def set(self, case: Case, seed: int) -> Case:
        """Return the case with these choices; the seed is that of random weights."""
        left = ("shifted", "weights")
        changes = {k: v for k, v in self.changes().items() if k not in left}
        case = self.shift(case)
        case = case.untrained(seed) if self.weights == "random" else case
        return case.with_changes(**changes) if changes else case


def read_choice(text: str) -> PatchingChoice:
    """Return the choices of `ablation=mean,loss=divergence`.

    Raises:
        NameLookupError: there is no such choice, or value of it.
        InputError: a part is no `choice=value`, or a number cannot be.
    """
    changes: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            raise InputError(
                f"found {part!r} behind the method's name, expected choice=value, as "
                "in exact@ablation=mean,loss=divergence"
            )
        known = [field.name for field in fields(PatchingChoice)]
        if key not in known:
            raise unknown_name("choice of patching", key, known)
        if key in WORDS and value not in WORDS[key]:
            raise unknown_name(key, value, WORDS[key])
        changes[key] = value if key in WORDS else _number(key, value)
    return PatchingChoice(**changes)


def read_axes(grid: str | Sequence[str]) -> tuple[str, ...]:
    """Return the axes of a grid, given as `ablation,loss` or one by one.

    Raises:
        NameLookupError: there is no such axis.
        InputError: there is none, or one is named twice.
    """
    given = grid.split(",") if isinstance(grid, str) else list(grid)
    axes = tuple(name.strip() for name in given)
    for name in axes:
        if name not in AXES:
            raise unknown_name("axis of the grid", name, AXES)
    if not axes or len(set(axes)) < len(axes):
        raise InputError(
            f"grid is {grid!r}: name one or more of {', '.join(AXES)}, each once"
        )
    return axes


def grid_choices(grid: str | Sequence[str]) -> list[PatchingChoice]:
    """Return every combination of the values of some axes, without shifted positions.

    Noise only matters for gaussian ablation, so other ablations come once; without the
    axis `ablation`, the axis `noise` is of gaussian ablation.

    Raises:
        NameLookupError: there is no such axis.
        InputError: there is none, or one is named twice.
    """
    axes = read_axes(grid)
    start = PatchingChoice(shifted=0.0)
    if "noise" in axes and "ablation" not in axes:
        start = replace(start, ablation="gaussian")
    return list(dict.fromkeys(_combinations(axes, start)))


def _combinations(
    axes: Sequence[str], start: PatchingChoice
) -> Iterator[PatchingChoice]:
    ordered = [name for name in AXES if name in axes]
    for values in product(*(AXES[name] for name in ordered)):
        found = replace(start, **dict(zip(ordered, values, strict=True)))
        yield found if found.ablation == "gaussian" else replace(found, noise=NOISE)


def _number(key: str, value: str) -> float:
    """Return a number: a share for `shifted`, else one above 0."""
    try:
        found = float(value)
    except ValueError:
        found = float("nan")
    share = key == "shifted"
    if not (0 <= found <= 1 if share else 0 < found < float("inf")):
        wanted = "a share from 0 to 1" if share else "a number above 0"
        raise InputError(f"{key} is {value!r}, expected {wanted}")
    return found


def _spell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
