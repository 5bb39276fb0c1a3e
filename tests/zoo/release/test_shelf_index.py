"""The index of a large folder says what the files say, after every change."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import zoo
from compiler.errors import FormatError, NameLookupError
from compiler.sealed import sums_of
from tests.zoo.calls import Call
from zoo.filters import ProgramFilter
from zoo.release import index_shards, shelf_index
from zoo.release.entry import read_entry
from zoo.release.fields import ROOT_DOCUMENT
from zoo.release.index import open_remote_index
from zoo.release.index_condition import EVERY
from zoo.release.index_shards import cut, index_document, write_shards
from zoo.release.index_tables import make_tables
from zoo.release.serve import make_server
from zoo.release.shelf import add, find_release, folder_name, scan, versions
from zoo.release.shelf_index import ShelfIndex, index_path, open_index
from zoo.release_listing import ReleasePage, ReleaseQuery, list_page

PUBLISHED = Path(__file__).parents[3] / "releases"


@pytest.fixture(scope="module")
def published() -> list[dict[str, Any]]:
    """What the files of some published releases say."""
    names = [
        "sort*",
        "median*",
        "reverse*",
        "bigram*",
        "maximum*",
        "dyck*",
        "indirect*",
    ]
    folders = sorted(folder for name in names for folder in PUBLISHED.glob(name))
    return [read_entry(folder) for folder in folders]


@pytest.fixture
def large(tmp_path, monkeypatch, published) -> Path:
    """The same releases in a folder that counts as large, and nothing else here."""
    shelf = tmp_path / "large"
    shelf.mkdir()
    for entry in published:
        (shelf / entry["folder"]).symlink_to(PUBLISHED / entry["folder"])
    monkeypatch.setattr(shelf_index, "SMALL", 3)
    monkeypatch.setattr("zoo.release.shelf.shelves", lambda: [shelf])
    return shelf


def page(suite: str = "", limit: int | None = None, **options: Any) -> ReleasePage:
    given = {k: options.pop(k) for k in ("kind", "family", "norm") if k in options}
    skip = options.pop("skip", 0)
    chooses = ProgramFilter(**options)
    return list_page(
        ReleaseQuery(chooses, suite=suite, limit=limit, skip=skip, **given)
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kind": "trained"},
        {"family": "sorting", "layers": "2-3"},
        {"norm": "rms"},
        {"nodes": "4-", "attention": True},
        {"difficulty": "-3", "causal": False},
        {"output": "categorical", "corpus": "tracr"},
        {"suite": "core"},
        {"suite": "first and nodes=2"},
        {"suite": "not (holds and family=sorting) or name=SORT-?????"},
        {"suite": "alone or not attends"},
        {"suite": "version=2 and d_model!=48 and not corpus=tracr"},
        {"suite": "causal and difficulty>=2 and kind!=compiled"},
    ],
)
def test_an_index_chooses_what_the_files_choose(large, monkeypatch, options):
    found = page(**options)
    monkeypatch.setattr(shelf_index, "SMALL", 10**6)
    index_path(large).unlink()
    expected = page(**options)
    assert found.entries == expected.entries and found.total == expected.total
    assert len(found.entries) > 0


def test_pages_joined_are_the_list(large, published):
    whole = page(limit=None).entries
    parts = [page(limit=4, skip=at) for at in range(0, len(whole), 4)]
    assert [entry for part in parts for entry in part.entries] == whole
    assert {part.total for part in parts} == {len(whole)}


def test_a_name_is_of_the_first_folder_that_has_it(
    large, small, reverse_files, tmp_path, monkeypatch
):
    said = json.loads(reverse_files["release.json"])
    other = {**reverse_files}
    other["release.json"] = json.dumps({**said, "name": "sort-siit"}).encode()
    del other["SHA256SUMS"]
    other["SHA256SUMS"] = sums_of(other)
    own, _ = add(tmp_path / "own", "sort-siit", 1, other)
    for order in ([own.parent, large, small.parent], [large, own.parent, small.parent]):
        monkeypatch.setattr("zoo.release.shelf.shelves", lambda order=order: order)
        found = page(suite="name=sort-siit or name=small-reverse")
        assert found.total == 2
        assert [e["name"] for e in found.entries] == ["small-reverse", "sort-siit"]
        whole = page().entries
        each = [page(limit=1, skip=at).entries for at in range(len(whole))]
        assert [entry for one in each for entry in one] == whole
        program = "reverse" if order[0] == own.parent else "sort"
        assert found.entries[1]["program"] == program
        place = find_release("sort-siit")
        assert place is not None and place.parent == order[0]


def tables(shelf: Path) -> tuple[list[Mapping[str, Any]], list[str]]:
    index = open_index(shelf)
    assert index is not None
    with closing(index):
        return list(index.entries(EVERY)), [str(broken) for broken in index.broken()]


def test_what_changes_on_disk_changes_in_the_index(
    reverse_files, tmp_path, monkeypatch, own_cache
):
    monkeypatch.setattr(shelf_index, "SMALL", 1)
    said = json.loads(reverse_files["release.json"])
    shelf, draw = tmp_path / "shelf", random.Random(0)

    def put(name: str, version: int) -> None:
        text = {
            **said,
            "name": name,
            "version": version,
            "d_model": draw.randint(1, 99),
        }
        files = {**reverse_files, "release.json": json.dumps(text).encode()}
        del files["SHA256SUMS"]
        files["SHA256SUMS"] = sums_of(files)
        add(shelf, name, version, files, list_it=False)

    for step in range(12):
        put(f"r{step % 5}", 1 + step // 5)
        if step % 4 == 3:
            shutil.rmtree(shelf / f"r{step % 5}")
        if step == 8:
            (shelf / "r0" / "release.json").write_text("{}")
        if step == 10:
            text = json.dumps({**said, "name": "r0", "layers": 7})
            (shelf / "r0" / "release.json").write_text(text)
        folders = sorted(f for f in shelf.iterdir() if f.name[0] == "r")
        if len(folders) < 2:
            continue
        found, broken = tables(shelf)
        good = [f for f in folders if not (step in (8, 9) and f.name == "r0")]
        expected = [read_entry(folder) for folder in good]
        order = sorted(expected, key=lambda e: (e["name"], e["version"]))
        assert found == order and len(broken) == len(folders) - len(good)
        monkeypatch.setattr("zoo.release.shelf.shelves", lambda: [shelf])
        newest = {e["name"]: e["version"] for e in order}
        shown = {e["name"]: e["version"] for e in page().entries}
        assert shown == newest
    index_path(shelf).write_bytes(b"no database at all, but some bytes" * 99)
    assert tables(shelf)[0] == order


def test_a_very_large_folder_is_trusted_until_it_changes(large, published, monkeypatch):
    monkeypatch.setattr(shelf_index, "TRUSTED", 5)
    monkeypatch.setattr(shelf_index, "SETTLED", 0)
    assert tables(large)[0] == scan(large)
    monkeypatch.setattr(ShelfIndex, "refresh", lambda self: pytest.fail("unchanged"))
    name = published[0]["name"]
    assert versions(large, name) == [
        e["version"] for e in published if e["name"] == name
    ]
    monkeypatch.undo()
    (large / published[0]["folder"]).unlink()
    monkeypatch.setattr(shelf_index, "SMALL", 3)
    assert published[0]["folder"] not in {e["folder"] for e in tables(large)[0]}


def made_up(number: int) -> Iterator[dict[str, Any]]:
    entry = read_entry(PUBLISHED / "sort-siit")
    for at in range(number):
        name = f"made-{at // 2:05}"
        folder = folder_name(name, 1 + at % 2)
        yield {**entry, "name": name, "version": 1 + at % 2, "folder": folder}


def test_parts_joined_are_the_index_and_a_new_name_changes_one(tmp_path, monkeypatch):
    monkeypatch.setattr(index_shards, "MEAN", 20)
    every = list(made_up(600))
    parts = list(cut(every))
    assert [e for part in parts for e in part] == every and len(parts) > 5
    assert all(p[-1]["name"] != q[0]["name"] for p, q in pairwise(parts))
    write_shards(tmp_path, every)
    before = {f.name for f in (tmp_path / "index.d").iterdir()}
    added = [*every[:301], {**every[300], "name": "made-00150x"}, *every[301:]]
    write_shards(tmp_path, sorted(added, key=lambda e: (e["name"], e["version"])))
    after = {f.name for f in (tmp_path / "index.d").iterdir()}
    assert len(before - after) == 1 and len(after - before) in (1, 2)
    root = ROOT_DOCUMENT.parse((tmp_path / "index.json").read_bytes(), "index.json")
    assert root["count"] == 601 == sum(shard["count"] for shard in root["shards"])


@pytest.fixture
def address(tmp_path, monkeypatch) -> Iterator[str]:
    """A server of an index in parts."""
    import threading

    monkeypatch.setattr(index_shards, "MEAN", 20)
    shelf = tmp_path / "served"
    shelf.mkdir()
    write_shards(shelf, made_up(600))
    shutil.copytree(PUBLISHED / "sort-siit", shelf / "made-00007")
    with make_server(shelf, "127.0.0.1", 0, lambda line: None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_of_an_index_in_parts_only_what_is_needed_is_fetched(address, monkeypatch):
    from zoo.release import index

    asked: list[str] = []
    fetch = index.get
    monkeypatch.setattr(
        index, "get", lambda url, *rest: asked.append(url) or fetch(url, *rest)
    )
    every = list(made_up(600))
    found = open_remote_index(address)
    for entry in every[::97]:
        asked.clear()
        assert found.find(entry["name"], entry["version"]) == entry
        assert len(asked) == 1
    assert found.find("made-00003", None)["version"] == 2
    for name in ("aaa", "made-00003x", "zzz"):
        with pytest.raises(NameLookupError, match="no release of http"):
            found.find(name, None)
    asked.clear()
    first = zoo.releases(address, limit=5)
    assert [e["name"] for e in first] == [f"made-{n:05}" for n in range(5)]
    assert len(asked) == 2
    assert zoo.releases(address, suite="name=made-0029*") == every[581::2]


def test_an_altered_part_is_refused(address, tmp_path):
    for file in (tmp_path / "served" / "index.d").iterdir():
        data = file.read_bytes()
        file.write_bytes(data.replace(b'"layers":2', b'"layers":9'))
    with pytest.raises(FormatError, match="SHA-256"):
        zoo.releases(address)


def test_a_terminal_gets_a_page_and_how_many_more_there_are(
    large, call: Call, monkeypatch
):
    import sys

    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    monkeypatch.setattr("zoo.commands.releases.PAGE", 3)
    total = page().total
    assert f"releases 1 to 3 of {total}; --skip 3" in call("releases").out
    out = call("releases", "--limit", "2", "--skip", "4").out
    assert f"releases 5 to 6 of {total}; --skip 6" in out


def test_a_cache_that_cannot_be_written_is_done_without(large, own_cache):
    expected = [entry["name"] for entry in page().entries]
    shutil.rmtree(own_cache)
    own_cache.write_text("a file, where a folder is expected")
    assert open_index(large) is None
    assert [entry["name"] for entry in page().entries] == expected
    with closing(sqlite3.connect(":memory:")) as connection:
        make_tables(connection)
        index = ShelfIndex(large, connection)
        index.insert(made_up(4))
        assert index.count(EVERY) == 4 and index.names_like("mad") == [
            *("made-00000", "made-00000", "made-00001", "made-00001")
        ]
    assert json.loads(index_document(made_up(1)))["releases"] == list(made_up(1))
