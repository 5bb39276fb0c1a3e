"""What a JSON document must be, said once by a type.

From a type come its JSON Schema (`schema_of`, published in docs/schema) and the reader
that believes nothing (`read`): numbers, strings, Literals, optional and repeated ones,
mappings by name, TypedDicts and dataclasses. `Annotated` types add words and bounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from functools import cache
from math import isfinite
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from compiler.notation import LocatedJson, parse, refuse
from compiler.rasp.values import Value

MAY_LACK = "may lack"
"""What the metadata of a dataclass's field says of an entry that may be left out."""
SAVED_AS = "saved as"
"""Under this key, the metadata of a field has the name of its entry in the file, where
that is another: a name in the code can change, one in a file cannot."""
LARGEST = 2**53
"""The largest integer that every JSON reader gives back as it is."""
LONGEST = 2**16
"""Characters of a text, where nothing else is said."""
MOST_ITEMS = 2**18
"""Items of a list, and entries of a mapping, where nothing else is said."""


@dataclass(frozen=True)
class FieldRule:
    """What a type alone does not say of a value.

    Attributes:
        about: a few words, for the schema.
        least: the smallest number.
        most: the greatest number.
        pattern: what a whole string has to match.
        longest: how many characters a string may have.
    """

    about: str = ""
    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    longest: int | None = None


@dataclass(frozen=True)
class Document:
    """A JSON file: the type of its entries, besides those that name its format.

    Attributes:
        file: its name.
        about: one line on it.
        type: a dataclass or a TypedDict.
        format: what its entry `format` says; "" for a file without one.
        versions: the versions of the format that are known; empty without one.
        derived: by dataclass, the properties that are written beside its fields.
        most: how many values it may have in all.
    """

    file: str
    about: str
    type: Any
    format: str = ""
    versions: tuple[int, ...] = ()
    derived: Mapping[type, tuple[str, ...]] | None = None
    most: int = 2**22

    def parse(self, data: bytes, where: str) -> Any:
        """Return what the bytes of a file say, in its type.

        Raises:
            FormatError: they are not JSON within bounds, or not as the schema says.
        """
        return self.read(parse(data, where, self.most))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the document."""
        body = schema_of(self.type, self.derived or {})
        if self.format:
            body["properties"] = {
                "format": {"const": self.format},
                "format_version": {"enum": list(self.versions)},
                **body["properties"],
            }
            body["required"] = ["format", "format_version", *body["required"]]
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.file,
            "description": self.about,
            **body,
        }

    def read(self, found: LocatedJson) -> Any:
        """Return what a parsed file says, in its type.

        Raises:
            FormatError: anything in it is not as the schema says.
        """
        entries = dict(found.entries())
        if self.format:
            named = entries.pop("format", None)
            if named is None or named.json != self.format:
                wording = "no format" if named is None else f"the format {named.json!r}"
                raise refuse(found.where, ascii(wording)[1:61], repr(self.format))
            version = entries.pop("format_version", None)
            if version is None:
                raise refuse(found.where, "no format_version", f"{self.versions[-1]}")
            if version.integer(1, LARGEST) not in self.versions:
                raise refuse(
                    version.where,
                    f"{version.json}",
                    f"at most {self.versions[-1]}: a newer release of circuitzoo "
                    "wrote it",
                    "Install a newer release.",
                )
        rest = LocatedJson(found.where, {k: v.json for k, v in entries.items()})
        return read(self.type, rest, self.derived or {})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _entries(
    kind: Any, derived: Mapping[type, tuple[str, ...]]
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return (the type of every entry of an object, the names that must be there)."""
    hints = _hints(kind)
    if is_typeddict(kind):
        # Read from the hints: `__required_keys__` is wrong where hints are strings.
        free = {n: get_args(t)[0] for n, t in hints.items() if _may_lack(t)}
        return {**hints, **free}, frozenset(set(hints) - set(free))
    named = {entry_of(f): hints[f.name] for f in fields(kind)}
    free = {entry_of(f) for f in fields(kind) if f.metadata.get(MAY_LACK)}
    for name in derived.get(kind, ()):
        named[name] = get_type_hints(getattr(kind, name).fget)["return"]
    return named, frozenset(set(named) - free)


def entry_of(field: Field[Any]) -> str:
    """Return the name of the entry that a field of a dataclass has in a file."""
    return field.metadata.get(SAVED_AS, field.name)


def _may_lack(hint: Any) -> bool:
    return get_origin(hint) is NotRequired


def schema_of(
    kind: Any, derived: Mapping[type, tuple[str, ...]] | None = None
) -> dict[str, Any]:
    """Return the JSON Schema of a type.

    Args:
        kind: the type.
        derived: by dataclass, the properties that are written beside its fields.
    """
    derived = derived or {}
    origin, args = get_origin(kind), get_args(kind)
    if kind == Value:
        return {"description": "a value: JSON, or a fraction or tuple as an object"}
    if origin is Annotated:
        return {**schema_of(args[0], derived), **_bounds_of(args[1])}
    if kind is str:
        return {"type": "string", "maxLength": LONGEST}
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(a, derived) for a in args]}
    if origin is tuple:
        items = schema_of(args[0], derived)
        return {"type": "array", "items": items, "maxItems": MOST_ITEMS}
    if origin is Mapping:
        return {
            "type": "object",
            "additionalProperties": schema_of(args[1], derived),
            "propertyNames": {"maxLength": LONGEST},
            "maxProperties": MOST_ITEMS,
        }
    entries, required = _entries(kind, derived)
    return {
        "type": "object",
        "properties": {n: schema_of(t, derived) for n, t in entries.items()},
        "required": [n for n in entries if n in required],
        "additionalProperties": False,
    }


_PLAIN = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
}


def _bounds_of(rule: FieldRule) -> dict[str, Any]:
    said = {
        "description": rule.about or None,
        "minimum": rule.least,
        "maximum": rule.most,
        "pattern": None if rule.pattern is None else f"^{rule.pattern}$",
        "maxLength": rule.longest,
    }
    return {key: value for key, value in said.items() if value is not None}


def read(
    kind: Any, found: LocatedJson, derived: Mapping[type, tuple[str, ...]] | None = None
) -> Any:
    """Return a piece of JSON in its type: dataclasses made, lists as tuples.

    Raises:
        FormatError: it is something else; says where.
    """
    derived = derived or {}
    origin, args = get_origin(kind), get_args(kind)
    if kind == Value:
        return _value(found)
    if origin is Annotated:
        return _ruled(args[1], read(args[0], found, derived), found)
    if kind in _PLAIN:
        return _plain(kind, found)
    if origin is Literal:
        return _one_of(args, found)
    if origin in (Union, UnionType):
        if found.json is None:
            return None
        (given,) = (a for a in args if a is not type(None))
        return read(given, found, derived)
    if origin is tuple:
        if found.size() > MOST_ITEMS:
            raise found.wrong(f"at most {MOST_ITEMS} items")
        return tuple(read(args[0], item, derived) for item in found.items())
    if origin is Mapping:
        entries = found.entries()
        if len(entries) > MOST_ITEMS or any(len(n) > LONGEST for n in entries):
            raise found.wrong(f"at most {MOST_ITEMS} entries, with names of {LONGEST}")
        named = {_key(args[0], n, found): v for n, v in entries.items()}
        return {n: read(args[1], v, derived) for n, v in named.items()}
    return _object(kind, found, derived)


def _object(
    kind: Any, found: LocatedJson, derived: Mapping[type, tuple[str, ...]]
) -> Any:
    named, required = _entries(kind, derived)
    given = found.entries()
    missing = [n for n in named if n in required and n not in given]
    unknown = sorted(set(given) - set(named))
    if missing or unknown:
        problems = [f"no {name}" for name in missing[:4]]
        problems += [f"an unknown {name[:40]!a}" for name in unknown[:4]]
        raise refuse(found.where, " and ".join(problems), f"{', '.join(named)}")
    values = {n: read(named[n], entry, derived) for n, entry in given.items()}
    if is_typeddict(kind):
        return values
    more = {name: values.pop(name) for name in derived.get(kind, ())}
    names = {entry_of(f): f.name for f in fields(kind)}
    made = kind(**{names[entry]: value for entry, value in values.items()})
    for name, value in more.items():
        if (expected := getattr(made, name)) != value:
            raise given[name].wrong(f"{expected}, by the figures beside it")
    return made


def _one_of(options: tuple[Any, ...], found: LocatedJson) -> Any:
    for option in options:
        if type(found.json) is type(option) and found.json == option:
            return option
    raise found.wrong(f"one of {', '.join(map(str, options))}")


def _plain(kind: type, found: LocatedJson) -> Any:
    if kind is float:
        number = found.json
        if type(number) not in (int, float) or not _is_finite(number):
            raise found.wrong("a finite number")
        return float(number)
    if kind is int:
        return found.integer(-LARGEST, LARGEST)
    if kind is bool:
        return found.flag()
    if kind is str:
        if len(found.text()) > LONGEST:
            raise found.wrong(f"at most {LONGEST} characters")
        return found.text()
    if found.json is not None:
        raise found.wrong("null")
    return None


def _key(kind: type, name: str, found: LocatedJson) -> str | int:
    """Return the name of an entry, or the whole number that it must be."""
    if kind is str:
        return name
    if not re.fullmatch("0|[1-9][0-9]{0,15}", name):
        raise found.wrong("entries that are named by whole numbers")
    return int(name)


def _is_finite(number: int | float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:
        return False


def _ruled(rule: FieldRule, value: Any, found: LocatedJson) -> Any:
    low, high = rule.least, rule.most
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"at least {low}" if high is None else f"{low} to {high}"
        raise found.wrong(bounds)
    if rule.longest is not None and len(value) > rule.longest:
        raise found.wrong(f"at most {rule.longest} characters")
    if rule.pattern is not None and not re.fullmatch(rule.pattern, value):
        raise found.wrong(f"a text that matches {rule.pattern}")
    return value


def _value(found: LocatedJson) -> Any:
    """Return a token or an output as JSON has it; lists are tuples."""
    if isinstance(found.json, list):
        return tuple(_value(item) for item in found.items())
    if isinstance(found.json, dict) and set(found.json) <= {"fraction", "tuple"}:
        return LocatedJson(found.where, [found.json]).values()[0]
    if isinstance(found.json, dict):
        raise found.wrong("a value")
    if isinstance(found.json, float):
        return _plain(float, found)
    return found.json
