"""The kinds of claims that can be submitted, by name; one row a kind.

The file of a kind is imported when it is asked for: some import all that measures.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from compiler.errors import InputError, unknown_name

if TYPE_CHECKING:
    from zoo.methods.method import Method
    from zoo.submissions.claim_kind import ClaimKind

SCORES = "scores"
_PLACES = {
    SCORES: "claimed_scores",
    "circuits": "claimed_circuits",
    "alignments": "claimed_alignments",
    "descriptions": "claimed_descriptions",
    "programs": "claimed_programs",
    "attributions": "claimed_attributions",
    "steering": "claimed_steering",
}
CLAIMS = tuple(_PLACES)
BUILT_IN = "built-in"
"""The code of a built-in method: that of the version of this package."""


def check_claims(name: str) -> str:
    """Return the name of a kind of claim.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    if name not in _PLACES:
        raise unknown_name("kind of claim", name, _PLACES)
    return name


def find_kind(name: str) -> ClaimKind:
    """Return the kind of claim of that name.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    place = _PLACES[check_claims(name)]
    return importlib.import_module(f"zoo.submissions.{place}").KIND


def find_claiming(name: str, kind: ClaimKind) -> Method:
    """Return a built-in method that makes claims of a kind.

    Raises:
        NameLookupError: there is none; the nearest are offered.
        InputError: the kind has no built-in method.
    """
    from zoo.methods import find_method
    from zoo.methods.method import Method

    if kind.name == SCORES:
        return find_method(name)
    known = kind.methods()
    if not known:
        raise InputError(
            f"there is no built-in method that returns {kind.name}; found {name!r}, "
            "expected a Python file, FILE.py or FILE.py:NAME"
        )
    if name not in known:
        raise unknown_name(f"method that returns {kind.name}", name, known)
    run: Any = known[name]
    return Method(name, run, claims=kind.name)


def reserved_names(kind: ClaimKind) -> set[str]:
    """Return the names of built-in methods, which a submitted one cannot have."""
    from zoo.methods import names

    return {*names(), *(() if kind.name == SCORES else kind.methods())}
