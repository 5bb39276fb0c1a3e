"""`zoo.site`: the gallery of releases, as a folder of files for any web server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from compiler.errors import InputError, ZooError
from compiler.files import check_room
from compiler.rasp.values import Value
from zoo.auditing.certificate import Certificate
from zoo.gallery.board import board_page
from zoo.gallery.circuit import ShownCircuit, class_circuits, minimal_circuits
from zoo.gallery.entries import Entry, entry_of, rows_for_scripts
from zoo.gallery.folder import check_replaceable, write_site
from zoo.gallery.markup import safe_json
from zoo.gallery.model_page import model_page
from zoo.gallery.overview import overview_pages
from zoo.gallery.recordings import record_attention, record_degrees
from zoo.gallery.thumbnail import small_svg
from zoo.progress import Show, show_progress
from zoo.release.released import Released, load_released
from zoo.release.shelf import (
    Broken,
    find_release,
    folder_name,
    list_broken,
    list_versions,
    newest,
    read_shelf,
)
from zoo.scoring.leaderboard import read_leaderboard
from zoo.scoring.sufficient import find_circuits
from zoo.suites import choose, parse_suite

EXAMPLES = 12
"""Recorded inputs that a page offers to its interpreter."""
MOST_CIRCUITS = 12
"""Minimal circuits of a redundant model that a page shows."""
MODELS, BOARD = ("Models", "index.html"), ("Leaderboard", "leaderboard.html")


@dataclass(frozen=True)
class Shelved:
    """A release that is to be shown: its newest version, and how many there are."""

    folder: Path
    versions: int


def site(
    out: str | Path = "site",
    *,
    releases: str | Path | None = None,
    suite: str = "",
    leaderboard: str | Path | None = None,
    index: str | None = None,
    runs: bool = True,
    progress: bool | Callable[[int, int], None] = True,
) -> Path:
    """Write a gallery of releases as a static site, and return its folder.

    Everything in it is made from the files of the releases. The pages load nothing from
    elsewhere, and can be opened from the disk. A site that is there already is
    replaced; a folder that holds anything else is left as it is.

    Args:
        out: the folder of the site.
        releases: the folder of releases; all places where releases are looked for if
            None.
        suite: a suite's name, or an expression: `layers>=3 and not alone`.
        leaderboard: a folder that `zoo leaderboard` wrote, for a page of its figures.
        index: the address of an index with these releases, for the commands that the
            pages show.
        runs: whether the models are run, for attention patterns and for edges that are
            patched by degrees; a few seconds for each.
        progress: whether progress is shown; or a function called with (done, total).

    Raises:
        InputError: there is no release, no leaderboard, a suite that cannot be read,
            or something else in the folder; nothing was changed then.
        FormatError: the leaderboard is damaged.
    """
    target = Path(out)
    check_replaceable(target)
    check_room(target)
    table = None if leaderboard is None else read_leaderboard(Path(leaderboard))
    shelved, broken = find_shelved(None if releases is None else Path(releases), suite)
    sections = (MODELS,) if table is None else (MODELS, BOARD)
    with show_progress("pages", "models", progress) as show:
        maker = PageMaker(sections, index, runs)
        files, entries, unreadable = maker.make(shelved, show)
    lines = [str(item) for item in (*broken, *unreadable)]
    files |= overview_pages(entries, sections, lines)
    if table is not None:
        files[BOARD[1]] = board_page(table, entries, sections)
    write_site(target, {**files, **assets(entries)})
    return target


def find_shelved(
    folder: Path | None, suite: str = ""
) -> tuple[list[Shelved], Sequence[Broken]]:
    """Return (the releases that are to be shown, what is broken).

    Args:
        folder: of releases; all places where releases are looked for if None.
        suite: its name or an expression; the newest version of all releases if empty.

    Raises:
        InputError: there is no folder or no release, or the suite cannot be read.
    """
    if suite.strip():
        parse_suite(suite)
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of releases")
    if folder is None:
        entries, broken = list_versions(), list_broken()
    else:
        entries, broken = read_shelf(folder)
    chosen = newest(choose(suite, entries, shelf=folder))
    if not chosen:
        place = "here" if folder is None else f"in {folder}"
        kind = f"releases of the suite {suite!r}" if suite else "releases"
        raise InputError(
            f"there are no {kind} {place}, so a site would be empty. `zoo releases` "
            "lists what there is, `zoo export` and `zoo download` add to it"
        )
    return [_shelved(entry, entries, folder) for entry in chosen], broken


def _shelved(
    entry: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], shelf: Path | None
) -> Shelved:
    name, version = entry["name"], entry["version"]
    place = find_release(name, version) if shelf is None else None
    if shelf is not None:
        place = shelf / folder_name(name, version)
    assert place is not None, "it was listed"
    return Shelved(place, sum(other["name"] == name for other in entries))


class PageMaker:
    """Makes the pages of single releases."""

    def __init__(
        self, sections: Sequence[tuple[str, str]], index: str | None, runs: bool
    ) -> None:
        self.sections, self.index, self.runs = sections, index, runs

    def make(
        self, shelved: Sequence[Shelved], show: Show
    ) -> tuple[dict[str, bytes], list[Entry], list[Broken]]:
        """Return (files by name, entries, releases that cannot be read)."""
        files: dict[str, bytes] = {}
        entries: list[Entry] = []
        broken: list[Broken] = []
        for done, item in enumerate(shelved):
            show(done, len(shelved))
            try:
                entry, made = self.release(item)
            except (ZooError, OSError) as error:
                broken.append(Broken(item.folder.name, str(error)))
                continue
            entries.append(entry)
            files |= made
        show(len(shelved), len(shelved))
        return files, sorted(entries, key=lambda e: e.name), broken

    def release(self, item: Shelved) -> tuple[Entry, dict[str, bytes]]:
        """Return the entry of a release, and its files."""
        model = load_released(item.folder)
        certificate = model.certificate
        in_turn = circuits_in_turn(model, certificate, self.runs)
        entry = entry_of(model, item.versions, len(in_turn))
        examples = example_inputs(model, certificate)
        page = model_page(
            model,
            entry,
            examples,
            model.pairs("test")[:8],
            record_degrees(model, certificate) if self.runs else [],
            record_attention(model, examples) if self.runs else [],
            in_turn,
            self.sections,
            self.index,
        )
        return entry, {entry.page: page, entry.picture: small_svg(model.circuit)}


def circuits_in_turn(
    model: Released, certificate: Certificate, runs: bool
) -> list[ShownCircuit]:
    """Return the circuits that a page shows one after the other.

    These are the circuits of the classes of inputs, and those of redundant parts: an
    edge of a redundant part has no effect alone, so that an audit calls it unused.

    Args:
        model: the release.
        certificate: its audit.
        runs: whether the model is run, to find all minimal circuits.
    """
    found = class_circuits(certificate)
    if runs and any(f.status == "unused" for f in certificate.circuit):
        minimal = find_circuits(model, limit=MOST_CIRCUITS)
        if len(minimal.sufficient) > 1:
            found += minimal_circuits(minimal)
    return found


def example_inputs(
    model: Released, certificate: Certificate
) -> list[tuple[Value, ...]]:
    """Return recorded inputs to show, those with the most different outputs first."""
    found = {pair.clean: pair.clean_outputs for pair in model.pairs("test")}
    witnesses = [f.witness for f in certificate.circuit if f.witness is not None]
    found |= {witness.base: witness.before for witness in witnesses}

    def variety(tokens: tuple[Value, ...]) -> tuple[int, int, int]:
        return len(set(found[tokens])), len(set(tokens)), len(tokens)

    ordered = sorted(found, key=variety, reverse=True)
    return ordered[:EXAMPLES] or [(model.typed.vocab[0],)]


def assets(entries: Sequence[Entry]) -> Mapping[str, bytes]:
    """Return the style sheet and the scripts, with the list that they search."""
    folder = resources.files("zoo.gallery") / "assets"
    found = {
        f"assets/{item.name}": item.read_bytes()
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.is_file()
    }
    rows = safe_json(rows_for_scripts(entries))
    found["assets/models.js"] = f"globalThis.zooModels = {rows};\n".encode()
    return found
