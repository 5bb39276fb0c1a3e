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
from urllib.parse import quote, urljoin, urlsplit

from compiler.errors import FetchError, FormatError, InputError, NameLookupError
from compiler.notation import LocatedJson, parse, refuse
from compiler.sealed import MOST_SUMS, SUMS, digest, digest_of_sums
from zoo.release.fetch import Remote
from zoo.release.fields import MOST_RELEASE, RELEASE, RELEASE_DOCUMENT
from zoo.release.transport import NotAllowedError, NotThereError, get, get_page
from zoo.release.whole import Folder

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PART = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_-])?"
"""What a part of an address, an owner or a repository, matches."""
_REPO = re.compile(
    rf"hf://(?P<owner>{PART})/(?P<repo>{PART})(?:@(?P<revision>[A-Za-z0-9][\w./-]*))?",
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
    at = "" if repo.revision is None else f"/revision/{quote(repo.revision, safe='')}"
    page, _ = _ask(repo, f"{_address(repo)}{at}")
    found = page.entries().get("sha")
    if found is None or not _COMMIT.fullmatch(str(found.json)):
        answer = None if found is None else found.json
        raise FetchError(f"{repo}: the Hub names no commit, but {ascii(answer)[:60]}")
    return found.text()


def remote_repo(repo: Repo, commit: str) -> Remote:
    """Return where the files of a commit are.

    Raises:
        NameLookupError: there is no such repository or revision.
        FetchError: the Hub cannot be reached, or refuses.
        FormatError: the repository holds no release.
    """
    sizes = _sizes(repo, commit)
    if RELEASE not in sizes or SUMS not in sizes:
        absent = SUMS if RELEASE in sizes else RELEASE
        raise refuse(
            f"{repo}, {absent}", "no such file", "a release", "Check the name."
        )
    base = f"{_endpoint()}/{quote(repo.id)}/resolve/{commit}"
    total = min(sum(sizes.values()), MOST_RELEASE)
    return Remote(str(repo), base, total, None, sizes, _token())


def _sizes(repo: Repo, commit: str) -> dict[str, int]:
    """Return the bytes of every file of a commit."""
    url = f"{_address(repo)}/tree/{commit}?recursive=true"
    sizes: dict[str, int] = {}
    for _ in range(_MOST_PAGES):
        page, url = _ask(repo, url)
        for item in page.items():
            entry = item.entries()
            if {"type", "path", "size"} <= set(entry) and entry["type"].json == "file":
                sizes[entry["path"].text()] = entry["size"].integer(0, 2**62)
        if not url:
            return sizes
    raise refuse(str(repo), "more files than a release has", "a release")


_MOST_PAGES, _MOST_PAGE = 8, 2**22  # of a list of files; bytes of one page
_NEXT = re.compile(r'<([^>]+)>; *rel="?next"?')


def _ask(repo: Repo, url: str) -> tuple[LocatedJson, str]:
    """Return (what the Hub answers, the address of the next page or "")."""
    try:
        data, link = get_page(url, _MOST_PAGE, _token())
    except NotThereError as error:
        if error.code == "RevisionNotFound":
            raise NameLookupError(
                f"{repo}: the repository has no such branch, tag or commit"
            ) from None
        raise _no_repository(repo) from None
    except NotAllowedError:
        raise _no_repository(repo) from None
    except FetchError as error:
        raise FetchError(f"{repo}: the Hub cannot be asked ({error})") from None
    following = _NEXT.search(link[:4096])
    after = "" if following is None else urljoin(url, following[1])
    # The token goes along, so the next page is asked of the same server alone.
    if after and urlsplit(after)[:2] != urlsplit(url)[:2]:
        raise FetchError(f"{repo}: the Hub sends to another server, {after!a}")
    return parse(data, f"{repo}, what the Hub says"), after


def _no_repository(where: Repo | str) -> NameLookupError:
    return NameLookupError(
        f"{where}: there is no such repository, or it is private: `hf auth login` first"
    )


def _address(repo: Repo) -> str:
    return f"{_endpoint()}/api/models/{quote(repo.id)}"


def _token() -> dict[str, str]:
    """Return the header that says who asks, where the user has logged in."""
    from huggingface_hub import constants, get_token

    # `build_hf_headers` would ask the Hub a question of its own, without our bounds.
    if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN or not (token := get_token()):
        return {}
    return {"Authorization": f"Bearer {token}"}


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
    api, summary = hub_api(), folder.summary()
    tag = f"v{summary['version']}"
    with asking(repo):
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
    if digest(sums) != digest_of_sums(folder.path):
        raise InputError(
            f"{repo} holds version {tag[1:]}, which does not change, and this differs "
            f"from it. Export it with --version {there['version'] + 1}"
        )
    return True


def _endpoint() -> str:
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def hub_api() -> HfApi:
    """Return the client of the Hub."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint(), library_name="circuitzoo")


@contextmanager
def asking(where: Repo | str) -> Iterator[None]:
    """Tell the Hub's errors in our words."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError:
        raise NameLookupError(
            f"{where}: the repository has no such branch, tag or commit"
        ) from None
    except errors.RepositoryNotFoundError:
        raise _no_repository(where) from None
    except (FetchError, FormatError, InputError, NameLookupError):
        raise
    except Exception as error:
        # Connection errors are those of the HTTP library that huggingface_hub uses.
        wording = ascii(str(error).partition("\n")[0])[1:161]
        raise FetchError(
            f"{where}: the Hub cannot be asked ({type(error).__name__}: {wording})"
        ) from None
