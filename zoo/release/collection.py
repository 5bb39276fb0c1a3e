"""Many releases on the Hugging Face Hub: a repository each, and a collection of them.

    hf://OWNER/sort-siit, hf://OWNER/reverse-siit, ..     and a collection of OWNER's

The owner is checked before anything is sent. What is there already is not sent again,
so that the same call finishes what an interrupted one began.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.errors import InputError, NameLookupError
from compiler.escapes import escape
from zoo.release.hub import PART, Repo, asking, hub_api, publish
from zoo.release.shelf import SCHEME
from zoo.release.whole import Folder

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_OWNER = re.compile(rf"hf://({PART})/?", re.ASCII)


def parse_owner(text: str) -> str:
    """Return the owner that `hf://OWNER` names.

    Raises:
        InputError: it names none, or a repository.
    """
    match = _OWNER.fullmatch(text)
    if match is None or ".." in text:
        raise InputError(
            f"{text!r} names no owner: write hf://OWNER, under which each release gets "
            "a repository of its name"
        )
    return match[1]


def check_owner(owner: str) -> None:
    """Check that the user is logged in and may publish under an owner's name.

    Raises:
        InputError: there is no token.
        NameLookupError: the owner is neither the user nor an organisation of theirs.
        FetchError: the Hub cannot be reached, or refuses.
    """
    from huggingface_hub import get_token

    where = f"{SCHEME}{owner}"
    if not get_token():
        raise InputError(
            f"{where}: nobody is logged in to the Hub. Run `hf auth login`, or set "
            "HF_TOKEN to a token that may write"
        )
    with asking(where):
        said = hub_api().whoami()
    names = [said.get("name"), *(org.get("name") for org in said.get("orgs") or ())]
    if owner not in names:
        known = ", ".join(escape(str(name)) for name in names)
        raise NameLookupError(
            f"{where}: your token is not of {owner}, but of {known}. Publish under one "
            "of these, or log in as somebody else"
        )


@dataclass
class HubCollection:
    """A collection of an owner's, to which releases are published.

    Attributes:
        owner: a user or an organisation.
        title: of the collection; it is made when the first release is there.
        address: of the collection, "" before it is made.
    """

    owner: str
    title: str
    address: str = ""
    _slug: str = ""
    _items: set[str] = field(default_factory=set)

    def publish(self, folder: Folder) -> tuple[str, bool]:
        """Publish a release, and list it; return (its address, whether it is new).

        Raises:
            InputError: the repository holds something else.
            FetchError: the Hub cannot be reached, or refuses.
        """
        repo = Repo(self.owner, folder.summary()["name"])
        address, fresh = publish(folder, repo)
        with asking(f"the collection of {SCHEME}{self.owner}"):
            self._list(hub_api(), repo.id)
        return address, fresh

    def _list(self, api: HfApi, repo: str) -> None:
        if not self._slug:
            made = api.create_collection(
                self.title, namespace=self.owner, exists_ok=True
            )
            self._slug, self.address = made.slug, made.url
            self._items = {item.item_id for item in made.items}
        if repo not in self._items:
            api.add_collection_item(self._slug, repo, "model", exists_ok=True)
            self._items.add(repo)
