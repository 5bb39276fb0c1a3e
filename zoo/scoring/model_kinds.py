"""What kind of model a line of a suite names: an architecture, or how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def kind_of(line: str, known: Mapping[str, str]) -> str:
    """Return the kind of a model, by the line of a suite that names it.

    Args:
        line: a release's or a program's name, perhaps with options of the compiler.
        known: the kinds of releases by name.
    """
    name, _, options = line.partition("?")
    if options:
        return options.partition("=")[0].replace("rotate", "rotated")
    return known.get(name.partition("@")[0], "compiled")


def kinds_of_releases() -> Mapping[str, str]:
    """Return the kinds of all releases by name: the architecture, where it has one."""
    from zoo.release.shelf import list_releases

    found = {}
    for said in list_releases():
        architecture = said.get("architecture", "none")
        found[said["name"]] = said["kind"] if architecture == "none" else architecture
    return found


def places_by_kind(
    lines: Iterable[str], known: Mapping[str, str]
) -> Mapping[str, list[int]]:
    """Return by kind the places of its models among the lines of a suite."""
    kinds: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        kinds.setdefault(kind_of(line, known), []).append(place)
    return kinds
