"""Suites of releases: a suite is a filter, and some filters have a name.

`zoo releases`, `zoo evaluate`, `zoo leaderboard`, `zoo download` and `zoo site` take
`--suite`, the name of one or an expression such as `layers>=3 and not alone`. Nothing
here imports arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from compiler.errors import InputError
from programs.facts import all_facts
from zoo.auditing.claims import missed
from zoo.catalogue import entries
from zoo.core_suite import CORE
from zoo.expressions import (
    FactLookup,
    FieldComparison,
    Fields,
    FilterJoin,
    FilterName,
    SuiteFilter,
    parse,
)
from zoo.release.index_format import newest
from zoo.release.shelf import circuit_sizes, folder_name, sizes_inside


@dataclass(frozen=True)
class NamedSuite:
    """A filter with a name.

    Attributes:
        text: the expression.
        meaning: which releases these are, for help and documents.
    """

    text: str
    meaning: str


SUITES: Mapping[str, NamedSuite] = {
    "core": NamedSuite(
        " or ".join(f"name={name}" for name in CORE),
        "20 trained releases of all kinds, which come with the package",
    ),
    "first": NamedSuite(
        "version=1 and kind=trained and architecture=none",
        "the first version of every trained release without an architecture",
    ),
    "standard": NamedSuite(
        "kind=trained and holds",
        "every trained release whose claims all hold",
    ),
    "full": NamedSuite(
        "holds", "every release whose claims all hold, compiled ones too"
    ),
    "hard": NamedSuite(
        "kind=trained and holds and nodes>=4",
        "trained releases whose circuit has four heads and MLPs or more",
    ),
    "clients": NamedSuite(
        "kind=trained and not architecture=none",
        "trained releases of an architecture, which Hugging Face transformers loads",
    ),
    "certified": NamedSuite(
        "kind=trained and audit=full", "trained releases whose audit was a full one"
    ),
}
SUITES_OF_OLD = {"shaped": "clients"}
"""Earlier names of suites, which still work."""

_RELEASE_NAME = re.compile(r"(?P<name>\w+(-\w+)+)(@(?P<version>[0-9]{1,9}))?", re.ASCII)
"""A name with a hyphen, which no field and no suite has."""
INSIDE = frozenset(["norm", "nodes", "alone", "attends"])
"""What only the files of a release say, and not an index."""

FIELDS = Fields(
    numbers=(
        *("layers", "heads", "d_model", "parameters", "variables", "edges"),
        *("nodes", "version", "difficulty"),
    ),
    texts=("name", "program", "family", "corpus"),
    choices={
        "kind": ("compiled", "trained", "compressed"),
        "norm": ("none", "pre", "rms"),
        "audit": ("full", "quick", "sample"),
        "architecture": ("none", "gpt2", "llama", "qwen2", "bert"),
        "output": ("categorical", "numerical", "boolean"),
    },
    names=("alone", "attends", "causal", "holds", *SUITES, *SUITES_OF_OLD),
)
"""What an expression can speak of. `alone`: the circuit has one head or MLP; `attends`:
it has a head; `causal`: no output of the program depends on a later token; `holds`: no
claim of the certificate fails."""


def parse_suite(text: str) -> SuiteFilter:
    """Return the expression of a suite; names of other suites are put in.

    The name of a release, such as `sort-siit` or `sort-siit@1`, is a suite of one.

    Raises:
        InputError: it cannot be read; the message says where, and what is known.
    """
    if (one := _RELEASE_NAME.fullmatch(text.strip())) is not None:
        named = FieldComparison("name", "=", one["name"])
        if one["version"] is None:
            return named
        return FilterJoin(
            "and", (named, FieldComparison("version", "=", int(one["version"])))
        )
    return _spelled_out(parse(text, FIELDS))


def _spelled_out(found: SuiteFilter) -> SuiteFilter:
    match found:
        case FilterName(name):
            known = SUITES.get(SUITES_OF_OLD.get(name, name))
            return found if known is None else parse_suite(known.text)
        case FilterJoin(kind, parts):
            return FilterJoin(kind, tuple(map(_spelled_out, parts)))
        case FieldComparison():
            return found


def choose(
    text: str,
    releases: Sequence[Mapping[str, Any]],
    origin: str | None = None,
    shelf: Path | None = None,
) -> list[Mapping[str, Any]]:
    """Return the releases of a suite.

    Args:
        text: its name or an expression; all releases if empty.
        releases: what each release says of itself, all versions. If the suite does not
            speak of versions, the newest version of each is taken.
        origin: the address of the index that they are of, if their files are not here.
        shelf: the folder that they are in; where releases are looked for if None.

    Raises:
        InputError: it cannot be read, or asks what only files say of an index.
    """
    expression = parse_suite(text) if text.strip() else None
    asks = frozenset() if expression is None else expression.asks
    if origin is not None and asks & INSIDE:
        raise InputError(
            f"--suite: {', '.join(sorted(asks & INSIDE))} needs the files of a "
            "release, and --from reads only an index. Leave it out, or download the "
            "releases"
        )
    found = list(releases) if "version" in asks else newest(releases)
    return [
        release
        for release in found
        if expression is None or expression.holds(_ReleaseFacts(release, shelf))
    ]


@cache
def _families() -> Mapping[str, str]:
    """Return the family of each program and task."""
    return {entry.name: entry.family for entry in entries()}


def facts_of_program(program: str) -> FactLookup:
    """Return what is known of any release of a program, for an expression."""
    return _ReleaseFacts({"program": program}, None)


class _ReleaseFacts:
    """Gives what an expression asks of a release; files are read only if needed."""

    def __init__(self, release: Mapping[str, Any], shelf: Path | None) -> None:
        self.release, self.shelf = release, shelf

    def __call__(self, name: str) -> Any:
        if name in ("norm", "nodes"):
            return self.inside[name]
        if name == "alone":
            return self.inside["nodes"] == 1
        if name == "attends":
            return self.inside["attending"] > 0
        if name == "holds":
            return not missed(self.release["kind"], self.release["claims"])
        if name == "family":
            return self.families
        if name in ("difficulty", "output", "causal", "corpus"):
            return self.of_program(name)
        default = {"architecture": "none", "audit": "sample"}.get(name)
        return self.release.get(name, default)

    def of_program(self, name: str) -> Any:
        """Return a fact about the program; what is unknown is like nothing."""
        facts = all_facts().get(self.release["program"])
        if facts is None:
            return {"difficulty": 0, "causal": False, "corpus": ()}.get(name, "")
        return facts.corpora if name == "corpus" else getattr(facts, name)

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The family of the program: all of its path, and the first part of it."""
        family = _families().get(self.release["program"], "")
        return family, family.split("/")[0]

    @cached_property
    def inside(self) -> Mapping[str, Any]:
        """What the files of the release say."""
        name, version = self.release["name"], self.release["version"]
        if self.shelf is None:
            return circuit_sizes(name, version)
        return sizes_inside(self.shelf / folder_name(name, version))
