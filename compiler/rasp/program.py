"""A program: an expression with a name, a meaning, a vocabulary and a length.

@program(family="ordering", vocab=range(1, 5), max_len=8,
         example=([3, 1, 2], [1, 2, 3]))
def sort():
    '''The tokens in ascending order, duplicates kept.'''
    ...
    return expression
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from compiler.errors import InputError
from compiler.rasp.expr import SOp
from compiler.rasp.values import Value, canonical, ordered

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np


@runtime_checkable
class Draws(Protocol):
    """Inputs that random tokens would hardly ever hit: sentences of a grammar.

    Give one as a program's `accepts`, and samples are drawn from it.
    """

    def __call__(self, tokens: Sequence[Value], /) -> bool:
        """Return whether the program is for this input."""
        ...

    def draw(self, rng: np.random.Generator, count: int) -> list[list[Value]]:
        """Return `count` random inputs."""
        ...


@runtime_checkable
class Lists(Protocol):
    """Inputs that are few beside all rows of tokens, and can be listed.

    Give one as a program's `accepts`, and all inputs are listed where they are few
    enough, without a look at all rows of tokens.
    """

    def __call__(self, tokens: Sequence[Value], /) -> bool:
        """Return whether the program is for this input."""
        ...

    def count(self, vocab: Sequence[Value], max_len: int) -> int:
        """Return the greatest number of inputs of 1 to `max_len` tokens."""
        ...

    def every(self, vocab: Sequence[Value], max_len: int) -> Iterable[list[Value]]:
        """Return all inputs of 1 to `max_len` tokens, in a fixed order."""
        ...


def describe_inputs(accepts: Callable[[Sequence[Value]], bool] | None) -> str:
    """Return what holds of the inputs that a program is for; "" if it is for all.

    A function says it in the first line of its docstring, `Return whether ..`; another
    object in its attribute `words`.
    """
    if accepts is None:
        return ""
    words = getattr(accepts, "words", None) or inspect.getdoc(accepts) or ""
    line = str(words).split("\n\n")[0].replace("\n", " ").removesuffix(".")
    return line.removeprefix("Return whether ")


@dataclass(frozen=True)
class Program:
    """A named RASP program with the setting it is usually compiled for.

    Attributes:
        name: its name in the catalogue.
        family: the group that it is listed under.
        meaning: one line: what the output is, given the input.
        vocab: the default vocabulary, in order.
        max_len: the default greatest number of tokens.
        example: one input and its output.
        builder: returns the expression; it may take `vocab` and `max_len`, which are
            then those of the compilation, and further keyword parameters.
        causal: whether positions see only themselves and earlier ones.
        accepts: which inputs the program is for; every one if None. The first line of
            its docstring, `Return whether ..`, says it to users. On another input a
            model warns, and returns what its weights give; checks leave it out.
        parameters: values of the builder's further parameters.
        text: the program as RASP text, if it was written so.
        classes: the variable whose value at the last position divides the inputs into
            classes, each with a circuit of its own; None if there are none.
        generates: whether the output at the last token is the token that comes next,
            so that the program runs by writing one token after the other.
        roles: returns the role of each token of an input, such as `S1`, or None: what
            positions of inputs of different lengths have in common.
    """

    name: str
    family: str
    meaning: str
    vocab: tuple[Value, ...]
    max_len: int
    example: tuple[tuple[Value, ...], tuple[Value, ...]]
    builder: Callable[..., SOp]
    causal: bool = False
    accepts: Callable[[Sequence[Value]], bool] | None = None
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    text: str | None = None
    classes: str | None = None
    generates: bool = False
    roles: Callable[[Sequence[Value]], Sequence[str | None]] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocab", tuple(ordered(self.vocab)))

    def build(
        self, vocab: Sequence[Value] | None = None, max_len: int | None = None
    ) -> SOp:
        """Return the expression for a vocabulary and a maximum length."""
        given = {
            "vocab": tuple(ordered(self.vocab if vocab is None else vocab)),
            "max_len": self.max_len if max_len is None else max_len,
        }
        wanted = inspect.signature(self.builder).parameters
        arguments = {k: v for k, v in given.items() if k in wanted}
        return self.builder(**arguments, **self.parameters)

    def with_parameters(self, **parameters: Any) -> Program:
        """Return the program with some of its builder's parameters changed."""
        wanted = set(inspect.signature(self.builder).parameters) - {"vocab", "max_len"}
        if unknown := sorted(set(parameters) - wanted):
            raise InputError(
                f"{self.name}: no parameter {', '.join(unknown)}; "
                f"it has {', '.join(sorted(wanted)) or 'none'}"
            )
        merged = MappingProxyType({**self.parameters, **parameters})
        return replace(self, parameters=merged)

    @property
    def inputs(self) -> str:
        """What holds of the inputs that it is for; "" if it is for every input."""
        return describe_inputs(self.accepts)

    @property
    def source(self) -> str:
        """The text of the program as written: RASP text, or the Python builder."""
        if self.text is not None:
            return self.text
        return inspect.getsource(self.builder)


def program(
    *,
    family: str,
    vocab: Iterable[Value],
    max_len: int = 8,
    example: tuple[Iterable[Value], Iterable[Value]],
    causal: bool = False,
    accepts: Callable[[Sequence[Value]], bool] | None = None,
    name: str | None = None,
    classes: str | None = None,
    generates: bool = False,
    roles: Callable[[Sequence[Value]], Sequence[str | None]] | None = None,
) -> Callable[[Callable[..., SOp]], Program]:
    """Return a decorator that makes a Program of a builder function.

    The builder's name is the program's, and the first paragraph of its docstring is
    its meaning.
    """

    def decorate(builder: Callable[..., SOp]) -> Program:
        text = inspect.getdoc(builder) or ""
        return Program(
            name=name or builder.__name__,
            family=family,
            meaning=" ".join(text.split("\n\n")[0].split()),
            vocab=tuple(canonical(v) for v in ordered(vocab)),
            max_len=max_len,
            example=(
                tuple(canonical(v) for v in example[0]),
                tuple(canonical(v) for v in example[1]),
            ),
            builder=builder,
            causal=causal or generates,
            accepts=accepts,
            classes=classes,
            generates=generates,
            roles=roles,
        )

    return decorate
