"""Which releases are listed: by their kind, program, sizes and files.

`zoo.releases()` and `zoo releases` use it. Nothing here imports arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from compiler.errors import InputError, unknown_name
from programs.facts import all_facts
from zoo.filters import ProgramFilter, family_named
from zoo.release.shelf import circuit_sizes


def check_readable(
    chooses: ProgramFilter, norm: str | None, origin: str | None
) -> None:
    """Raise InputError where an index is asked for what only files say.

    Raises:
        InputError: that is so.
        NameLookupError: no norm has that name.
    """
    if norm is not None:
        from compiler.machine.config import CHOICES  # it imports arrays

        if norm not in CHOICES["norm"]:
            raise unknown_name("norm", norm, CHOICES["norm"])
    if origin is not None and _looks_inside(chooses, norm):
        raise InputError(
            "--norm, --nodes and --attention need the files of a release, and --from "
            "reads only an index. Leave them out, or download the releases"
        )


def in_suite(
    suite: str, origin: str | None, entries: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    """Return the releases of a suite, or the newest of each without one.

    Args:
        suite: its name or an expression; "" for all releases.
        origin: the address of the index that the entries are of; None for those here.
        entries: what each release of the index says of itself.

    Raises:
        InputError: the suite cannot be read, or asks an index what only files say.
    """
    from zoo.release.index_format import newest
    from zoo.release.shelf import list_releases, list_versions

    if not suite.strip():
        found = list_releases() if origin is None else newest(entries)
        return [dict(entry) for entry in found]
    from zoo.suites import choose, parse_suite  # with all programs: it takes a while

    parse_suite(suite)  # first: it is a mistake whatever there is
    every = list_versions() if origin is None else entries
    return [dict(entry) for entry in choose(suite, every, origin)]


def choose_releases(
    found: Sequence[dict[str, Any]],
    chooses: ProgramFilter,
    *,
    kind: str | None = None,
    family: str = "",
    norm: str | None = None,
) -> list[dict[str, Any]]:
    """Return the releases that are as wanted.

    Args:
        found: what each release says of itself.
        chooses: what is asked of the program, the model and its circuit.
        kind: `compiled`, `trained` or `compressed`; any if None.
        family: what the name of the program's family has to contain.
        norm: `none`, `pre` or `rms`; any if None.

    Raises:
        InputError: no release is of that kind.
        NameLookupError: no family has that in its name.
    """
    chosen = _of_family(_of_kind(found, kind), family)
    inside = _looks_inside(chooses, norm)
    return [entry for entry in chosen if _is_chosen(entry, chooses, norm, inside)]


def _looks_inside(chooses: ProgramFilter, norm: str | None) -> bool:
    """Return whether something is asked that only the files of a release say."""
    return bool(norm or chooses.nodes) or chooses.attention is not None


def _is_chosen(
    entry: Mapping[str, Any], chooses: ProgramFilter, norm: str | None, inside: bool
) -> bool:
    sizes = {name: entry[name] for name in ("layers", "heads", "variables")}
    inner = circuit_sizes(entry["name"], entry["version"]) if inside else {}
    if norm not in (None, inner.pop("norm", None)):
        return False
    return chooses.keeps(all_facts().get(entry["program"]), {**sizes, **inner})


def _of_kind(found: Sequence[dict[str, Any]], kind: str | None) -> list[dict[str, Any]]:
    if kind is not None:
        check_kind(kind, {entry["kind"] for entry in found})
    return [entry for entry in found if kind in (None, entry["kind"])]


def check_kind(kind: str, kinds: Set[str]) -> None:
    """Raise InputError unless some release is of a kind."""
    if kind not in kinds:
        known = ", ".join(sorted(kinds)) or "none, for nothing is published here"
        raise InputError(f"--kind: no release is {kind!r}; there are {known}")


def _of_family(found: list[dict[str, Any]], family: str) -> list[dict[str, Any]]:
    """Return the releases of programs and tasks of some families."""
    if not family:
        return found
    from zoo.catalogue import entries

    every = entries()
    families = family_named(family, (e.family for e in every))
    names = {e.name for e in every if e.family in families}
    return [entry for entry in found if entry["program"] in names]
