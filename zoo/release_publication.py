"""All releases of a suite published: on the Hugging Face Hub, or as a folder.

`zoo.publish_all()` and `zoo publish --all` use it. One release that fails stops no
other, unless the Hub cannot be reached several times in a row. Nothing here imports
arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from compiler.errors import FetchError, InputError, ZooError

PATIENCE = 3
"""Releases in a row for which the Hub cannot be reached, after which it is given up."""
TITLE = "circuitzoo"

PublicationState = Literal["published", "there", "planned", "failed", "not tried"]


@dataclass(frozen=True)
class PublishedRelease:
    """What came of publishing one release.

    Attributes:
        name: of the release.
        version: of the release.
        bytes: of all its files.
        state: `published`, `there` (already, the same), `planned` (a dry run),
            `failed`, or `not tried` (the Hub could not be reached before).
        address: where it is, or is to be.
        failure: why it failed; "" if it did not.
    """

    name: str
    version: int
    bytes: int
    state: PublicationState
    address: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Publication:
    """What came of publishing many releases.

    Attributes:
        releases: each of them, by name.
        address: of the collection, or the folder; "" if nothing was published.
    """

    releases: tuple[PublishedRelease, ...]
    address: str = ""

    @property
    def failed(self) -> list[PublishedRelease]:
        """Those that are not where they were to be."""
        return [r for r in self.releases if r.state in ("failed", "not tried")]

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(release.bytes for release in self.releases)


def publish_all(
    to: str | Path,
    suite: str = "",
    *,
    title: str = "",
    dry_run: bool = False,
    progress: Callable[[PublishedRelease], None] | None = None,
) -> Publication:
    """Publish the releases of a suite, each by itself; return what came of each.

    On the Hub every release gets a repository of its name, and a collection lists them.
    A folder gets the releases and their index, so that any web server can serve it. The
    same call goes on where an interrupted one stopped.

    Args:
        to: `hf://OWNER`, or a folder.
        suite: a suite's name or an expression; the newest version of every release
            if "".
        title: of the collection; `circuitzoo`, and the suite, if "".
        dry_run: whether only what would be published is returned, with its size.
        progress: called with each release once it is done.

    Raises:
        InputError: the suite cannot be read or has no release here, or nobody is logged
            in to the Hub.
        NameLookupError: the owner is not the user, nor an organisation of theirs.
        FetchError: the Hub cannot be reached at the beginning.
    """
    from zoo.release.shelf import SCHEME
    from zoo.release_choice import in_suite

    entries = in_suite(suite, None)
    if not entries:
        what = f"in {suite!r}" if suite else "here"
        raise InputError(f"--suite: no release is {what}; `zoo releases` lists them")
    named = f"{TITLE}: {suite.strip()}" if suite.strip() else TITLE
    on_hub = str(to).startswith(SCHEME)
    place = (_Hub if on_hub else _Shelf)(str(to), (title or named)[:59])
    show = progress or (lambda release: None)
    if dry_run:
        found = tuple(_outcome(e, "planned", place.address_of(e)) for e in entries)
        for release in found:
            show(release)
        return Publication(found)
    place.begin()
    return Publication(_publish_each(entries, place, show), place.end())


def _publish_each(
    entries: list[dict[str, Any]],
    place: _Hub | _Shelf,
    show: Callable[[PublishedRelease], None],
) -> tuple[PublishedRelease, ...]:
    """Publish one after the other; give up once the Hub is away for good."""
    found, away = [], 0
    for entry in entries:
        if away >= PATIENCE:
            why = "the Hub could not be reached before"
            release = _outcome(entry, "not tried", failure=why)
        else:
            release, lost = _publish_one(entry, place)
            away = away + 1 if lost else 0
        found.append(release)
        show(release)
    return tuple(found)


def _publish_one(
    entry: dict[str, Any], place: _Hub | _Shelf
) -> tuple[PublishedRelease, bool]:
    """Return (what came of a release, whether the Hub could not be reached)."""
    from zoo.release.shelf import find_release
    from zoo.release.whole import open_folder

    folder = find_release(entry["name"], entry["version"])
    try:
        if folder is None:
            raise InputError("it is no longer here")
        address, fresh = place.put(open_folder(folder))
    except ZooError as error:
        lost = isinstance(error, FetchError)
        return _outcome(entry, "failed", failure=str(error)), lost
    return _outcome(entry, "published" if fresh else "there", address), False


def _outcome(
    entry: dict[str, Any],
    state: PublicationState,
    address: str = "",
    failure: str = "",
) -> PublishedRelease:
    size = entry["bytes"]
    name, version = entry["name"], entry["version"]
    return PublishedRelease(name, version, size, state, address, failure)


class _Hub:
    """Releases go to repositories of an owner's."""

    def __init__(self, to: str, title: str) -> None:
        from zoo.release.collection import HubCollection, parse_owner

        self.collection = HubCollection(parse_owner(to), title)

    def address_of(self, entry: dict[str, Any]) -> str:
        return f"hf://{self.collection.owner}/{entry['name']}"

    def begin(self) -> None:
        from zoo.release.collection import check_owner

        check_owner(self.collection.owner)

    def put(self, folder: Any) -> tuple[str, bool]:
        return self.collection.publish(folder)

    def end(self) -> str:
        return self.collection.address


class _Shelf:
    """Releases go to a folder, which any web server can serve."""

    def __init__(self, to: str, title: str) -> None:
        self.path = Path(to).expanduser()
        if ":" in to.partition("/")[0]:
            raise InputError(
                f"{to!r} is neither hf://OWNER nor a folder. To put the releases on a "
                "web server of your own, give a folder, and let the server serve it"
            )

    def address_of(self, entry: dict[str, Any]) -> str:
        from zoo.release.shelf import folder_name

        return str(self.path / folder_name(entry["name"], entry["version"]))

    def begin(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file; give a folder for the releases")

    def put(self, folder: Any) -> tuple[str, bool]:
        from compiler.sealed import MOST_SUMS, SUMS, read_file
        from zoo.release.shelf import add

        files = {name: folder.read(name) for name in folder.sums}
        files[SUMS] = read_file(folder.path, SUMS, 0, MOST_SUMS, None)
        said = folder.summary()
        path, fresh = add(
            self.path, said["name"], said["version"], files, list_it=False
        )
        return str(path), fresh

    def end(self) -> str:
        from zoo.release.shelf import write_index

        if not self.path.is_dir():
            return ""
        write_index(self.path)
        return str(self.path)
