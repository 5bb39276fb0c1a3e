"""Type checks of signatures that are made once for each kind of arguments.

jaxtyping binds the arguments of every call and compares each array's axes with its
annotation: a fifth of the time of the tests, for the same few shapes again and again.
What it finds depends on the kinds of the arguments and of the result only: types, and
of arrays dtype and shape as well. So it is asked about kinds that are new, and about
those that cannot be told apart: long, mixed or unusual collections.

A function that is defined inside another one has one check for all of its definitions,
since jaxtyping takes longer to make one than to use it.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Collection, Hashable
from typing import Any

import jaxtyping
from jax.core import Tracer

MOST_ITEMS, MOST_KINDS = 24, 2_000

_made: dict[int, _Check] = {}
"""By the identity of code: that of two dataclasses with the same fields is equal."""


def jaxtyped_once(checked: Any = None, *, typechecker: Any) -> Any:
    """Stand in for `jaxtyping.jaxtyped`, whose decorator the import hook writes."""
    if checked is None:
        return functools.partial(jaxtyped_once, typechecker=typechecker)
    if inspect.isclass(checked):
        begin = checked.__dict__.get("__init__")
        if hasattr(checked, "__dataclass_fields__") and inspect.isfunction(begin):
            checked.__init__ = _wrap(begin, typechecker)
        return checked
    if inspect.isfunction(checked):
        return _wrap(checked, typechecker)
    if isinstance(checked, classmethod | staticmethod):
        return type(checked)(jaxtyped_once(checked.__func__, typechecker=typechecker))
    if isinstance(checked, property) and inspect.isfunction(checked.fget):
        return checked.getter(_wrap(checked.fget, typechecker))
    return _jaxtyped(checked, typechecker=typechecker)


_jaxtyped: Any = jaxtyping.jaxtyped


def _wrap(function: types.FunctionType, typechecker: Any) -> Callable[..., Any]:
    if hasattr(function, "__checks_once__") or not function.__annotations__:
        return function
    code = function.__code__

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        check = _made.get(id(code))
        if check is None:
            check = _made[id(code)] = _Check(function, typechecker)
        given = check.kind_of_call(args, kwargs)
        results = check.seen.get(given) if given is not None else None
        if results is None:
            found = check.ask(function, args, kwargs)
            if given is not None and len(check.seen) < MOST_KINDS:
                check.seen[given] = {check.kind(found)} - {None}
            return found
        found = function(*args, **kwargs)
        result = check.kind(found)
        if result is None or result not in results:
            check.ask(lambda *_, **__: found, args, kwargs)
            if result is not None and len(results) < MOST_KINDS:
                results.add(result)
        return found

    run.__checks_once__ = True  # type: ignore[attr-defined]
    return run


class _Check:
    """The check of one function's signature.

    Args:
        function: one of its definitions, where it is inside of another function.
        typechecker: of jaxtyping.
    """

    def __init__(self, function: types.FunctionType, typechecker: Any) -> None:
        self.code = function.__code__  # kept, so that no other one has its identity
        self.seen: dict[Hashable, set[Hashable]] = {}
        self._waiting: list[Callable[..., Any]] = []
        waiting = self._waiting

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            return waiting.pop()(*args, **kwargs)

        # Names in annotations mean what they mean in the function's own module.
        own = types.FunctionType(
            stand_in.__code__, function.__globals__, closure=stand_in.__closure__
        )
        functools.update_wrapper(own, function)
        del own.__wrapped__  # type: ignore[attr-defined]
        own.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        self._checked = _jaxtyped(own, typechecker=typechecker)
        hints = [_shown(hint, own) for hint in function.__annotations__.values()]
        self._texts = any("Literal" in hint for hint in hints)
        self._samples = any(word in hint for hint in hints for word in _SAMPLED)

    def ask(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Return what a function returns, if jaxtyping lets its arguments and it pass.

        Raises:
            jaxtyping.TypeCheckError: they are not as the signature says.
        """
        __tracebackhide__ = True
        depth = len(self._waiting)
        self._waiting.append(function)
        try:
            return self._checked(*args, **kwargs)
        finally:
            del self._waiting[depth:]  # still there where the arguments are refused

    def kind_of_call(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Hashable | None:
        """Return what a check can tell of a call; None where that takes long to say."""
        parts = [self.kind(value) for value in args]
        for name, value in kwargs.items():
            parts += name, self.kind(value)
        return None if None in parts else tuple(parts)

    def kind(self, value: Any) -> Hashable | None:
        """Return what a check can tell of a value; None where that takes long."""
        cls = type(value)
        how = _HOW.get(cls)
        if how is None:
            how = _HOW[cls] = _how(cls)
        if how == "array":
            return cls, value.dtype, tuple(value.shape)
        if how == "type":
            return cls
        if how == "text":
            return (cls, value) if self._texts else cls
        if how == "class":
            return cls, value
        if how == "unknown" or len(value) > MOST_ITEMS:
            return None
        if how == "mapping":
            keys, values = self._kinds(value), self._kinds(value.values())
            return None if keys is None or values is None else (cls, keys, values)
        parts = self._kinds(value)
        return None if parts is None else (cls, parts)

    def _kinds(self, values: Collection[Any]) -> tuple[Hashable, ...] | None:
        """Return the kinds of items, if a check of one of them is a check of all."""
        parts = tuple(self.kind(value) for value in values)
        mixed = self._samples and any(part != parts[0] for part in parts)
        return None if mixed or None in parts else parts


_HOW: dict[type, str] = {str: "text", bytes: "type", range: "type", dict: "mapping"}


def _how(cls: type) -> str:
    """Return how values of a class are told apart."""
    if issubclass(cls, tuple | list | set | frozenset):
        return "items"
    if issubclass(cls, type):
        return "class"
    is_array = hasattr(cls, "dtype") and hasattr(cls, "shape")
    if is_array or issubclass(cls, Tracer):
        return "array"
    if hasattr(cls, "__iter__") and hasattr(cls, "__len__"):
        return "unknown"
    return "unknown" if cls is types.SimpleNamespace else "type"


# In collections of these types beartype checks one item, drawn at random.
_SAMPLED = ("...", "list[", "set[", "dict[", "deque[", "abc.", "typing.")


def _shown(hint: Any, function: types.FunctionType) -> str:
    """Return an annotation as text, with what its names stand for."""
    if isinstance(hint, str):
        try:
            hint = eval(hint, function.__globals__)
        except Exception:  # a name that is imported for type checkers only
            return "Literal, ..."
    return repr(hint)
