"""A page of the releases that are here or in an index: so many, and how many there are.

`zoo.releases()` and `zoo releases` use it. Folders with an index of their own
(`zoo/release/shelf_index.py`) are asked for the page alone. Nothing here imports
arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

from compiler.errors import InputError
from zoo.filters import ProgramFilter
from zoo.release.entry import Broken

MOST_NAMES = 5000
"""Names up to which they are handed to an index, which is asked to leave them out."""


@dataclass(frozen=True)
class ReleaseQuery:
    """What is asked for.

    Attributes:
        chooses: what is asked of the program, the model and its circuit.
        kind: `compiled`, `trained` or `compressed`; any if None.
        family: what the name of the program's family has to contain.
        norm: `none`, `pre` or `rms`; any if None.
        suite: a suite's name or an expression.
        limit: how many at most; all if None.
        skip: how many are left out at the beginning.
    """

    chooses: ProgramFilter
    kind: str | None = None
    family: str = ""
    norm: str | None = None
    suite: str = ""
    limit: int | None = None
    skip: int = 0

    def __post_init__(self) -> None:
        for name, value in (("limit", self.limit or 0), ("skip", self.skip)):
            if value < 0:
                raise InputError(f"--{name}: {value} is no number of releases")

    def page(self, found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the part that is asked for."""
        end = None if self.limit is None else self.skip + self.limit
        return list(islice(found, self.skip, end))


@dataclass(frozen=True)
class ReleasePage:
    """Some of the releases that are as wanted.

    Attributes:
        entries: what they say of themselves, by name.
        total: how many there are; None if an index was not read to its end.
        broken: what is meant to be a release and is none.
        empty: whether there is no release at all, wanted or not.
    """

    entries: Sequence[dict[str, Any]]
    total: int | None
    broken: Sequence[Broken]
    empty: bool = False


def list_page(query: ReleaseQuery, origin: str | None = None) -> ReleasePage:
    """Return the releases that are asked for.

    Args:
        query: which.
        origin: the address of an index; the folders of releases and the cache if None.

    Raises:
        FetchError: the index cannot be reached.
        InputError: no release is of that kind, a range or a suite is none, or an index
            is asked for what only files say.
        NameLookupError: no family or corpus has that in its name.
    """
    from zoo.release_choice import check_readable

    check_readable(query.chooses, query.norm, origin)
    if origin is not None:
        return _page_of_index(query, origin)
    from zoo.release.shelf import list_broken, shelves
    from zoo.release.shelf_index import open_index

    places = list({place.resolve(): place for place in shelves()}.values())
    indexes = [open_index(place) for place in places]
    if not any(indexes):
        from zoo.release_choice import in_suite

        found = in_suite(query.suite, None)
        chosen = _chosen(query, found)
        return ReleasePage(query.page(chosen), len(chosen), list_broken(), not found)
    return _page_of_shelves(query, places, indexes)


def _chosen(query: ReleaseQuery, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from zoo.release_choice import choose_releases

    return choose_releases(
        found, query.chooses, kind=query.kind, family=query.family, norm=query.norm
    )


def _page_of_index(query: ReleaseQuery, origin: str) -> ReleasePage:
    """Return a page of an index elsewhere, of which no more is read than is needed."""
    from zoo.release.index import open_remote_index
    from zoo.release_choice import check_kind, in_suite

    broken: list[Broken] = []
    found: list[dict[str, Any]] = []
    kinds: set[str] = set()
    index = open_remote_index(origin)
    left = len(index.shards) or 1
    for listing in index.listings():
        left -= 1
        broken += listing.broken
        kinds |= {entry["kind"] for entry in listing.entries}
        found += _kept(query, in_suite(query.suite, origin, listing.entries))
        if query.limit is not None and len(found) >= query.skip + query.limit:
            break
    if query.kind is not None and not left:
        check_kind(query.kind, kinds)
    total = None if left else len(found)
    return ReleasePage(query.page(found), total, broken, not kinds)


def _kept(query: ReleaseQuery, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that are chosen of a part, which need not have every kind."""
    plain = ReleaseQuery(query.chooses, family=query.family, norm=query.norm)
    chosen = _chosen(plain, found)
    return [entry for entry in chosen if query.kind in (None, entry["kind"])]


def _page_of_shelves(
    query: ReleaseQuery, places: Sequence[Path], indexes: Sequence[Any]
) -> ReleasePage:
    """Return a page of several folders; a name is of the first that has it."""
    parts: list[Iterable[dict[str, Any]]] = []
    asked: list[tuple[Any, Any]] = []
    total, broken, small = 0, [], 0
    before = _EarlierNames()
    _check_kind(query, places, indexes)
    for place, index in zip(places, indexes, strict=True):
        if index is None:
            found, wrong = _of_small(query, place, before)
            parts.append(found)
            small += len(found)
            total, broken = total + len(found), [*broken, *wrong]
        else:
            wanted = _condition(query) & before.condition(index)
            asked.append((index, wanted))
            total += index.count(wanted)
            broken += index.broken()
            before.indexes.append(index)
    # Of one index, all but `small` of the skipped releases are skipped in SQL, unread.
    passed = max(0, query.skip - small) if len(asked) == 1 else 0
    rest = replace(query, skip=query.skip - passed)
    end = -1 if rest.limit is None else rest.skip + rest.limit
    parts += [index.entries(wanted, end, passed) for index, wanted in asked]
    merged = merge(*parts, key=lambda entry: (entry["name"], entry["version"]))
    page = rest.page(merged)
    for index, _ in asked:
        index.close()
    return ReleasePage(page, total, broken)


def _condition(query: ReleaseQuery) -> Any:
    from zoo.release_conditions import filter_condition, suite_condition

    rest = {"kind": query.kind, "family": query.family, "norm": query.norm}
    return suite_condition(query.suite) & filter_condition(query.chooses, **rest)


def _of_small(
    query: ReleaseQuery, place: Path, before: _EarlierNames
) -> tuple[list[dict[str, Any]], Sequence[Broken]]:
    """Return (the chosen releases of a folder without an index, what is broken)."""
    from zoo.release.shelf import read_shelf
    from zoo.suites import choose

    entries, broken = read_shelf(place)
    fresh = [entry for entry in entries if entry["name"] not in before]
    some = [dict(entry) for entry in choose(query.suite, fresh, shelf=place)]
    before.names |= {entry["name"] for entry in fresh}
    return _kept(query, some), broken


def _check_kind(
    query: ReleaseQuery, places: Sequence[Path], indexes: Sequence[Any]
) -> None:
    """Raise InputError where no release is of the kind that is asked for."""
    if query.kind is None:
        return
    from zoo.release_choice import check_kind

    kinds: set[str] = set()
    for place, index in zip(places, indexes, strict=True):
        kinds |= set(_kinds(place) if index is None else index.values_of("kind"))
    check_kind(query.kind, kinds)


def _kinds(place: Path) -> Iterator[str]:
    from zoo.release.shelf import scan

    return (entry["kind"] for entry in scan(place))


class _EarlierNames:
    """The names that earlier folders have: those of small ones, and their indexes."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.indexes: list[Any] = []

    def __contains__(self, name: str) -> bool:
        return name in self.names or any(i.versions(name) for i in self.indexes)

    def condition(self, index: Any) -> Any:
        """Return the condition that a name of an index is none of these."""
        from zoo.release.index_condition import EVERY, Condition

        if not self.names and not self.indexes:
            return EVERY
        if self.indexes or len(self.names) > MOST_NAMES:
            index.leave_out(self.__contains__)
            return Condition("NOT left_out(name)", table="releases")
        marks = ", ".join("?" * len(self.names))
        names = tuple(sorted(self.names))
        return Condition(f"name NOT IN ({marks})", names, table="releases")
