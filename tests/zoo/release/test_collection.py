"""All releases of a folder go to a Hub, or to a folder, and come back the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.sealed import digest_of_sums, sums_of
from tests.zoo.calls import Call, mistake
from zoo.release.index import read_index
from zoo.release.resolve import download
from zoo.release.serve import make_server
from zoo.release.shelf import add
from zoo.release.whole import check_files

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def shelf(reverse_files, tmp_path, monkeypatch) -> Path:
    """The only folder of releases that is looked at: six small ones."""
    said = json.loads(reverse_files["release.json"])
    for name in NAMES:
        text = json.dumps({**said, "name": name})
        files = {**reverse_files, "release.json": text.encode()}
        del files["SHA256SUMS"]
        files["SHA256SUMS"] = sums_of(files)
        add(tmp_path / "shelf", name, 1, files, list_it=False)
    monkeypatch.setattr("zoo.release.shelf.shelves", lambda: [tmp_path / "shelf"])
    return tmp_path / "shelf"


def states(found) -> list[str]:
    return [release.state for release in found.releases]


def test_every_release_gets_a_repository_and_a_collection_lists_them(
    hub, shelf, tmp_path, monkeypatch
):
    found = zoo.publish_all("hf://our-lab", "not name=f")
    assert states(found) == ["published"] * 5 and not found.failed
    repos = [f"our-lab/{name}" for name in NAMES[:5]]
    assert hub.collections == {"our-lab/circuitzoo-not-name-f": repos}
    assert found.address.endswith("our-lab/circuitzoo-not-name-f")
    monkeypatch.setattr("zoo.release.shelf.shelves", lambda: [])
    for name in NAMES[:5]:
        folder = download(name, f"hf://our-lab/{name}")
        assert digest_of_sums(folder) == digest_of_sums(shelf / name)


def test_what_is_there_is_not_sent_again_and_what_is_missing_is(hub, shelf):
    hub.commit("me/b", {"thesis.tex": b"years of work"})
    hub.refused.add("me/d")
    found = zoo.publish_all("hf://me")
    assert states(found) == ["published", "failed"] * 2 + ["published"] * 2
    assert "holds other files" in found.releases[1].failure
    assert "403" in found.releases[3].failure
    hub.refused.clear()
    hub.asked.clear()
    again = zoo.publish_all("hf://me")
    assert states(again) == ["there", "failed", "there", "published", "there", "there"]
    sent = [line for line in hub.asked if "/commit/" in line]
    assert sent == ["POST /api/models/me/d/commit/main"]
    assert sorted(hub.collections["me/circuitzoo"]) == [f"me/{n}" for n in "acdef"]


def test_a_hub_that_fails_midway_is_given_up_and_gone_on_with(hub, shelf, monkeypatch):
    monkeypatch.setattr("zoo.release_publication.PATIENCE", 2)
    hub.lasts = 16  # requests: between one and three releases
    found = zoo.publish_all("hf://me")
    said = states(found)
    assert said[0] == "published" and said[-1] == "not tried"
    assert said.count("failed") == 2
    assert "cannot be asked" in found.failed[0].failure
    hub.lasts = 10**9
    assert not zoo.publish_all("hf://me").failed
    assert sorted(hub.collections["me/circuitzoo"]) == [f"me/{n}" for n in NAMES]


def test_a_dry_run_sends_nothing_and_says_how_much_there_is(hub, shelf, call: Call):
    found = zoo.publish_all("hf://me", dry_run=True)
    size = sum(f.stat().st_size for f in shelf.rglob("*") if f.is_file())
    assert states(found) == ["planned"] * 6 and found.bytes == size
    assert found.releases[0].address == "hf://me/a"
    out = call("publish", "--all", "--to", "hf://me", "--dry-run").out
    assert f"6 planned; {size / 2**20:.1f} MiB in all" in out
    assert not hub.asked


def test_a_folder_of_them_is_an_index_for_any_server(shelf, tmp_path, monkeypatch):
    place = tmp_path / "public"
    found = zoo.publish_all(place, "name=a or name=b")
    assert states(found) == ["published"] * 2 and found.address == str(place)
    assert states(zoo.publish_all(str(place), "name=a")) == ["there"]
    monkeypatch.setattr("zoo.release.shelf.shelves", lambda: [])
    with make_server(place, "127.0.0.1", 0, lambda line: None) as server:
        import threading

        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        assert [e["name"] for e in read_index(address).entries] == ["a", "b"]
        assert check_files(download("b", address)) == check_files(shelf / "b")
        server.shutdown()


def test_mistakes_are_told_before_anything_is_sent(hub, shelf, call: Call, monkeypatch):
    with pytest.raises(NameLookupError, match="not of else, but of me, our-lab"):
        zoo.publish_all("hf://else")
    with pytest.raises(InputError, match="names no owner"):
        zoo.publish_all("hf://me/repo")
    with pytest.raises(InputError, match="neither hf://OWNER nor a folder"):
        zoo.publish_all("https://example.org/zoo")
    with pytest.raises(InputError, match=r"no release is in 'layers>99'"):
        zoo.publish_all("hf://me", "layers>99")
    assert "one of three" in mistake(call, "publish", "a", "--all", "--to", "hf://me")
    assert "go with --all" in mistake(call, "publish", "a", "--to", "x", "--dry-run")
    assert "say where to" in mistake(call, "publish", "--all")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(InputError, match="nobody is logged in"):
        zoo.publish_all("hf://me")
    assert not [line for line in hub.asked if line.startswith("POST")]
