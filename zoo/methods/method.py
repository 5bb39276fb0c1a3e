"""A method: a function from a case to scores, with its paper and its name.

@method("my-method", paper="me, 2026", equation="1")
def my_method(case: Case, seed: int) -> np.ndarray: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from compiler.errors import InputError
from zoo.methods.catalogue import SHORT, built_in
from zoo.methods.choices import AT, PatchingChoice

if TYPE_CHECKING:
    from zoo.cases.case import Case

ScoreFunction = Callable[["Case", int], Any]
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(frozen=True)
class Method:
    """A way to score edges.

    Attributes:
        name: short, as it is given on the command line.
        run: takes a case and a seed, returns scores in any format.
        paper: where it comes from.
        equation: what a score is.
        magnitude: whether edges are ranked by absolute value, as the paper has it.
        level: the finest granularity that it says anything of.
        seeded: whether the seed changes anything.
        control: whether it is there to compare with.
        both_ways: whether it also takes cases that denoise; others patch clean runs.
        choice: of patching, in the place of the case's own; its name says it.
        code: digest of a user's function: a changed one is run again.
        claims: what it returns: `scores`, or another kind of claim, which
            `zoo submit` takes; see docs/submitting.md.
    """

    name: str
    run: ScoreFunction
    paper: str = ""
    equation: str = ""
    magnitude: bool = False
    level: str = "qkv"
    seeded: bool = False
    control: bool = False
    both_ways: bool = False
    choice: PatchingChoice | None = None
    code: str = ""
    claims: str = "scores"

    def choose(self, choice: PatchingChoice) -> Method:
        """Return the method with choices of patching, which its name then says.

        Raises:
            InputError: it only patches clean runs, and the choice is to denoise.
        """
        if choice.direction == "denoise" and not self.both_ways:
            raise InputError(
                f"{self.name} only patches clean runs, and was to denoise. Leave the "
                "direction out, or take exact, nap-noising, eap or eap-ig-inputs"
            )
        name = self.name.partition(AT)[0]
        return replace(self, name=f"{name}{AT}{choice}", choice=choice)


_KNOWN: dict[str, Method] = {}


def method(name: str, **about: Any) -> Callable[[Decorated], Decorated]:
    """Return a decorator that registers a function as a method.

    Args:
        name: of the method.
        about: other attributes of `Method`.

    Raises:
        InputError: another function has that name already.
    """

    def register(run: Decorated) -> Decorated:
        if _is_taken(name, run):
            raise InputError(
                f"there is a method named {name!r} already; choose another"
            )
        _KNOWN[name] = Method(name, run, **about)
        return run

    return register


def _is_taken(name: str, run: ScoreFunction) -> bool:
    """Return whether another function has that name, imported or not yet."""
    if name in SHORT:
        return True
    about = built_in().get(name)
    if about and run.__module__ != f"{__package__}.{about.module}":
        return True
    known = _KNOWN.get(name)
    place = run.__module__, run.__qualname__
    return bool(known) and (known.run.__module__, known.run.__qualname__) != place


def registered() -> dict[str, Method]:
    """Return the methods whose modules are imported, by name."""
    return dict(_KNOWN)
