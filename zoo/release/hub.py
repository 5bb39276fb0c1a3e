"""Releases in repositories of the Hugging Face Hub: `hf://OWNER/REPO[@REVISION]`.

A repository holds one release, its files at the top. What a revision stands for and
how large its files are is asked of the Hub; the files come like any others (`fetch`),
without links. The Hub is the one that `HF_ENDPOINT` names, as for huggingface_hub.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from compiler.errors import FetchError, FormatError, InputError, NameLookupError
from compiler.notation import parse, refuse
from compiler.sealed import MOST_SUMS, SUMS, digest, read_file
from zoo.release.fetch import Remote
from zoo.release.fields import MOST_RELEASE, RELEASE, RELEASE_DOCUMENT
from zoo.release.transport import get
from zoo.release.whole import Folder

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_-])?"
_REPO = re.compile(
    rf"hf://(?P<owner>{_PART})/(?P<repo>{_PART})(?:@(?P<revision>[A-Za-z0-9][\w./-]*))?",
    re.ASCII,
)
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class Repo:
    """A repository, and perhaps a revision of it.

    Attributes:
        owner: a user or an organisation.
        name: the repository's.
        revision: a branch, a tag or a commit; None for the main branch.
    """

    owner: str
    name: str
    revision: str | None = None

    @property
    def id(self) -> str:
        """The name that the Hub knows it by."""
        return f"{self.owner}/{self.name}"

    @property
    def commit(self) -> str | None:
        """The revision, if it is a commit and so never changes."""
        known = self.revision is not None and _COMMIT.fullmatch(self.revision)
        return self.revision if known else None

    def __str__(self) -> str:
        return f"hf://{self.id}" + (f"@{self.revision}" if self.revision else "")


def parse_repo(text: str, revision: str | None = None) -> Repo:
    """Return the repository that a text names.

    Args:
        text: `hf://OWNER/REPO` or `hf://OWNER/REPO@REVISION`.
        revision: the revision, where the text has none.

    Raises:
        InputError: it names none, or gives two revisions.
    """
    match = _REPO.fullmatch(text)
    if match is None or ".." in text:
        raise InputError(
            f"{text!r} names no repository; write hf://OWNER/REPO or "
            "hf://OWNER/REPO@REVISION"
        )
    if match["revision"] and revision not in (None, match["revision"]):
        raise InputError(f"{text}: --revision gives another one, {revision}")
    if revision is not None and _REPO.fullmatch(f"hf://o/r@{revision}") is None:
        raise InputError(f"{revision!r} is no branch, tag or commit")
    return Repo(match["owner"], match["repo"], match["revision"] or revision)


def find_commit(repo: Repo) -> str:
    """Return the commit that a repository's revision stands for now.

    Raises:
        NameLookupError: there is no such repository or revision.
        FetchError: the Hub cannot be reached, or refuses.
    """
    if repo.commit is not None:
        return repo.commit
    with _asking(repo):
        found = _api().model_info(repo.id, revision=repo.revision).sha
    if found is None or not _COMMIT.fullmatch(found):
        raise FetchError(f"{repo}: the Hub names no commit, but {ascii(found)[:60]}")
    return found


def remote_repo(repo: Repo, commit: str) -> Remote:
    """Return where the files of a commit are.

    Raises:
        NameLookupError: there is no such repository or revision.
        FetchError: the Hub cannot be reached, or refuses.
        FormatError: the repository holds no release.
    """
    from huggingface_hub.utils import build_hf_headers

    sizes = _sizes(repo, commit)
    if RELEASE not in sizes or SUMS not in sizes:
        absent = SUMS if RELEASE in sizes else RELEASE
        raise refuse(
            f"{repo}, {absent}", "no such file", "a release", "Check the name."
        )
    base = f"{_endpoint()}/{quote(repo.id)}/resolve/{commit}"
    total = min(sum(sizes.values()), MOST_RELEASE)
    headers = {
        k: v for k, v in build_hf_headers().items() if k.lower() == "authorization"
    }
    return Remote(str(repo), base, total, None, sizes, headers)


def _sizes(repo: Repo, commit: str) -> dict[str, int]:
    """Return the bytes of every file of a commit."""
    from huggingface_hub.hf_api import RepoFile

    with _asking(repo):
        tree = _api().list_repo_tree(repo.id, revision=commit, recursive=True)
        return {f.path: int(f.size) for f in tree if isinstance(f, RepoFile)}


def publish(folder: Folder, repo: Repo) -> tuple[str, bool]:
    """Put a release into a repository; return (its address, whether it is new).

    The repository is made where it is missing; a tag `v1`, `v2`, .. names the version.

    Args:
        folder: of the release.
        repo: where to; without a revision.

    Raises:
        InputError: this version, or another release, is there already.
        FetchError: the Hub cannot be reached, or refuses.
    """
    if repo.revision is not None:
        raise InputError(f"{repo}: a release goes to the main branch; leave the @ out")
    api, summary = _api(), folder.summary()
    tag = f"v{summary['version']}"
    with _asking(repo):
        api.create_repo(repo.id, exist_ok=True)
        if _is_there(repo, folder, tag):
            return f"{_endpoint()}/{repo.id}", False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that data is no part of a model
            made = api.upload_folder(
                repo_id=repo.id,
                folder_path=folder.path,
                allow_patterns=[*folder.sums, SUMS],
                delete_patterns="*",
                commit_message=f"{summary['name']}, version {summary['version']}",
            )
        api.create_tag(repo.id, tag=tag, revision=made.oid, exist_ok=True)
    return str(made.commit_url), True


_FRESH = {".gitattributes", ".gitignore", "README.md"}


def _is_there(repo: Repo, folder: Folder, tag: str) -> bool:
    """Return whether a repository has this version of this release already.

    Raises:
        InputError: it has the version and other files, or another release.
    """
    summary, commit = folder.summary(), find_commit(repo)
    files = set(_sizes(repo, commit)) - _FRESH
    if not files:
        return False
    if RELEASE not in files:
        raise InputError(
            f"{repo} holds other files, {sorted(files)[0]} for one. Give a repository "
            "of the release's own"
        )
    remote = remote_repo(repo, commit)
    data = get(remote.url(RELEASE), MOST_SUMS, remote.headers)
    sums = get(remote.url(SUMS), MOST_SUMS, remote.headers)
    there = RELEASE_DOCUMENT.read(parse(data, f"{repo}, {RELEASE}"))
    if there["name"] != summary["name"]:
        raise InputError(
            f"{repo} holds another release, {there['name']}. Give another repository"
        )
    if there["version"] > summary["version"]:
        raise InputError(
            f"{repo} holds version {there['version']}, and this is "
            f"{summary['version']}. Export it with --version {there['version'] + 1}"
        )
    if there["version"] < summary["version"]:
        return False
    if digest(sums) != digest(read_file(folder.path, SUMS, 0, MOST_SUMS, None)):
        raise InputError(
            f"{repo} holds version {tag[1:]}, which does not change, and this differs "
            f"from it. Export it with --version {there['version'] + 1}"
        )
    return True


def _endpoint() -> str:
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def _api() -> HfApi:
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint(), library_name="circuitzoo")


@contextmanager
def _asking(repo: Repo) -> Iterator[None]:
    """Tell the Hub's errors in our words."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError:
        raise NameLookupError(
            f"{repo}: the repository has no such branch, tag or commit"
        ) from None
    except errors.RepositoryNotFoundError:
        raise NameLookupError(
            f"{repo}: there is no such repository, or it is private: `hf auth login` "
            "first"
        ) from None
    except (FetchError, FormatError, InputError, NameLookupError):
        raise
    except Exception as error:
        # Connection errors are those of the HTTP library that huggingface_hub uses.
        told = ascii(str(error).partition("\n")[0])[1:161]
        raise FetchError(
            f"{repo}: the Hub cannot be asked ({type(error).__name__}: {told})"
        ) from None
