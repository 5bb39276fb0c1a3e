"""From what a user calls a release to its folder here.

    sort-siit, sort-siit@2          a name: the shelves, the cache, then the index
    hf://OWNER/REPO@REVISION        a repository of the Hugging Face Hub

What comes from elsewhere is fetched into the cache, checked whole, and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from compiler.errors import FetchError, InputError, NameLookupError, nearest
from compiler.files import write_atomically
from compiler.notation import refuse
from compiler.sealed import MOST_SUMS, SUMS, digest, digest_of_sums, read_file
from zoo.release.cache import cached_repo, cached_shelf, put_in_place
from zoo.release.fetch import Progress, fetch
from zoo.release.fields import RELEASE
from zoo.release.index import (
    open_remote_index,
    remote_of,
)
from zoo.release.shelf import (
    ADDRESS,
    SCHEME,
    check_name,
    find_release,
    folder_name,
    index_address,
    known_names,
    shelves,
    split_name,
    versions,
)
from zoo.release.transport import check_address
from zoo.release.whole import check_files, open_folder


def resolve(text: str, progress: Progress | None = None) -> Path:
    """Return the folder of a release, fetched if it is not here.

    Args:
        text: a name, or `hf://OWNER/REPO`.
        progress: called with (bytes there, bytes) while one is fetched.

    Raises:
        NameLookupError: nothing has that name; the nearest names are offered.
        FetchError: it cannot be fetched.
        FormatError: what was fetched is not what it must be.
    """
    if text.startswith(SCHEME):
        return resolve_repo(text, None, progress)
    try:
        name, version = split_name(text)
    except InputError:
        raise unknown_release(text) from None
    found = find_release(name, version)
    if found is not None:
        return found
    address = index_address()
    if address is None:
        raise unknown_release(text)
    return _from_index(name, version, address, progress)


def download(
    name: str,
    origin: str | None = None,
    revision: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Return the folder of a release in the cache, fetched from elsewhere and checked.

    Args:
        name: its name, `NAME@VERSION`, or `hf://OWNER/REPO`.
        origin: the address of an index, or `hf://OWNER/REPO`; the index that is set
            if None.
        revision: a version of an index, or a branch, tag or commit of a repository.
        progress: called with (bytes there, bytes).

    Raises:
        InputError: no index is set, or the release here says something else.
        NameLookupError: there is no such release, repository or revision.
        FetchError: it cannot be fetched.
        FormatError: what was fetched is not what it must be.
    """
    if name.startswith(SCHEME):
        if origin is not None:
            raise InputError(f"{name} says where it is: leave --from out")
        return resolve_repo(name, revision, progress)
    if origin is not None and origin.startswith(SCHEME):
        return _named_from_repo(check_name(name), origin, revision, progress)
    if revision is not None:
        name = f"{check_name(name)}@{revision}"
    name, version = split_name(name)
    address = origin or index_address()
    if address is None:
        raise InputError(
            f"{name}: say where from, --from ADDRESS or --from hf://OWNER/REPO, or set "
            f"{ADDRESS} to the address of an index"
        )
    return _from_index(name, version, address, progress)


def unknown_release(text: str) -> NameLookupError:
    """Return the error of a release that is not here, where no index is set."""
    try:
        name, version = split_name(text)
    except InputError as error:
        name, version, more = text, None, f" As a name: {error}"
    else:
        more = ""
    here = sorted({v for shelf in shelves() for v in versions(shelf, name)})
    if version is not None and here:
        return NameLookupError(
            f"{name} has no version {version} here; it has {', '.join(map(str, here))}"
        )
    near = nearest(name, known_names(name))
    return NameLookupError(
        f"no release is named {text!r} here.{near} Elsewhere: set {ADDRESS} to the "
        f"address of an index, or give hf://OWNER/REPO.{more}"
    )


def _from_index(
    name: str, version: int | None, address: str, progress: Progress | None
) -> Path:
    check_address(address)
    entry = open_remote_index(address).find(name, version)
    remote = remote_of(address, entry)

    def check(folder: Path) -> None:
        said = open_folder(folder, alone=True).summary()
        for what in ("name", "version"):
            if said[what] != entry[what]:
                where = f"{remote.where}, {RELEASE}, {what}"
                raise refuse(where, repr(said[what]), f"{entry[what]!r}, by the index")

    return _keep(
        cached_shelf() / folder_name(name, entry["version"]),
        entry["sums"],
        remote.where,
        check,
        lambda part: fetch(remote, part, progress),
    )


def _keep(
    target: Path,
    sums: str,
    where: str,
    check: Callable[[Path], object],
    fill: Callable[[Path], object],
) -> Path:
    """Return the folder of a version in the cache, filled if it is not there.

    Raises:
        InputError: it is there and good, and another one.
    """
    put_in_place(target, f"{where} {sums}", check, fill)
    if digest_of_sums(target) != sums:
        raise InputError(
            f"{target} is another release of the same name and version than {where}, "
            "and versions do not change. Find out which is right; to take the other "
            "one, remove that folder"
        )
    return target


def resolve_repo(
    source: str, revision: str | None = None, progress: Progress | None = None
) -> Path:
    """Return the folder of a repository's release at one commit.

    Where the Hub cannot be reached, what the revision stood for last is used.

    Raises:
        NameLookupError: there is no such repository or revision.
        FetchError: it cannot be fetched, and is not in the cache.
        FormatError: what was fetched is not what it must be.
    """
    from zoo.release.hub import find_commit, parse_repo, remote_repo

    repo = parse_repo(source, revision)
    folder = cached_repo(repo.owner, repo.name)
    remembered = folder / f".{digest((repo.revision or '').encode())[:32]}"
    try:
        commit = find_commit(repo)
    except FetchError:
        commit = _recall(remembered)
        if commit is None or not (folder / commit).is_dir():
            raise
    target = folder / commit
    if not target.is_dir():
        remote = remote_repo(repo, commit)
        put_in_place(
            target,
            remote.base,
            lambda part: open_folder(part, alone=True).summary(),
            lambda part: fetch(remote, part, progress),
        )
    if repo.commit is None:
        with suppress(InputError):  # it is only for when the Hub cannot be reached
            write_atomically(remembered, commit.encode("ascii"))
    return target


def _recall(path: Path) -> str | None:
    """Return the commit that a revision stood for last; None where none is known."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return text if len(text) == 40 and text.isalnum() else None


def _named_from_repo(
    name: str, source: str, revision: str | None, progress: Progress | None
) -> Path:
    """Return the folder in the cache of a release that a repository has."""
    fetched = open_folder(resolve_repo(source, revision, progress))
    said = fetched.summary()
    if said["name"] != name:
        raise InputError(f"{source} holds {said['name']}, and not {name}")
    target = cached_shelf() / folder_name(name, said["version"])
    sums = read_file(fetched.path, SUMS, 0, MOST_SUMS, None)

    def copy(part: Path) -> None:
        for file in fetched.sums:
            (part / file).parent.mkdir(parents=True, exist_ok=True)
            (part / file).write_bytes(fetched.read(file))
        (part / SUMS).write_bytes(sums)

    return _keep(target, digest(sums), source, check_files, copy)
