"""Releases go to a Hub and come back the same; every way it can fail is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import zoo
from compiler.errors import FetchError, FormatError, InputError, NameLookupError
from zoo.release.hub import parse_repo, publish
from zoo.release.released import Released
from zoo.release.resolve import download, resolve
from zoo.release.whole import check_files, open_folder

ROOT = Path(__file__).parents[3]
REPO = "hf://me/small"


@pytest.fixture
def published(hub, small):
    publish(open_folder(small), parse_repo(REPO))
    return hub


def test_what_is_published_loads_as_what_it_was(published, small):
    model, here = zoo.load(f"{REPO}@v1"), zoo.load(small)
    assert isinstance(model, Released)
    assert model.circuit == here.circuit
    assert model(list("ab")) == here(list("ab")) == ["b", "a"]
    assert check_files(model.folder.path) == len(model.folder.sums)


def test_publishing_twice_is_the_same_and_another_content_is_refused(
    published, small, reverse_files, tmp_path
):
    from compiler.sealed import sums_of
    from zoo.release.shelf import add

    folder = open_folder(small)
    assert publish(folder, parse_repo(REPO))[1] is False
    other = {**reverse_files, "README.md": b"another card\n"}
    del other["SHA256SUMS"]
    other["SHA256SUMS"] = sums_of(other)
    altered, _ = add(tmp_path / "other", "small-reverse", 1, other)
    with pytest.raises(InputError, match=r"does not change.*--version 2"):
        publish(open_folder(altered), parse_repo(REPO))


def test_a_next_version_replaces_the_first_which_its_tag_still_names(
    published, reverse_files, tmp_path
):
    from compiler.sealed import sums_of
    from zoo.release.shelf import add

    said = json.loads(reverse_files["release.json"])
    second = {**reverse_files, "release.json": json.dumps({**said, "version": 2})}
    second["release.json"] = second["release.json"].encode()
    del second["SHA256SUMS"]
    second["SHA256SUMS"] = sums_of(second)
    folder, _ = add(tmp_path / "next", "small-reverse", 2, second)
    assert publish(open_folder(folder), parse_repo(REPO))[1] is True
    for at, version in {"": 2, "@v1": 1, "@v2": 2, "@main": 2}.items():
        found = zoo.load(f"{REPO}{at}")
        assert isinstance(found, zoo.Released) and found.summary["version"] == version


def test_a_repository_of_something_else_is_left_alone(hub, small):
    hub.commit("me/small", {"thesis.tex": b"years of work"})
    with pytest.raises(InputError, match=r"holds other files, thesis\.tex"):
        publish(open_folder(small), parse_repo(REPO))
    assert hub.commits["me/small"][hub.refs["me/small"]["main"]] == {
        "thesis.tex": b"years of work"
    }


def test_missing_repositories_revisions_and_files_are_told(published):
    with pytest.raises(NameLookupError, match="me/none: there is no such repository"):
        zoo.load("hf://me/none")
    with pytest.raises(NameLookupError, match="no such branch, tag or commit"):
        zoo.load(f"{REPO}@v9")
    published.commit("me/empty", {"x.txt": b"x"})
    with pytest.raises(FormatError, match=r"release\.json: found no such file"):
        zoo.load("hf://me/empty")
    published.missing.add("circuit.svg")
    with pytest.raises(FormatError, match=r"circuit\.svg: found no such file"):
        zoo.load(REPO)
    published.missing.clear()
    files = dict(next(reversed(published.commits["me/small"].values())))
    del files["config.json"]
    published.commit("me/small", files)
    with pytest.raises(FormatError, match=r"config\.json: found no such file"):
        zoo.load(REPO)


def test_a_wrong_digest_is_refused_and_nothing_is_kept(published, own_cache):
    published.altered.add("model.safetensors")
    with pytest.raises(FormatError, match=r"model\.safetensors: found the SHA-256"):
        zoo.load(REPO)
    assert [p for p in own_cache.rglob("release.json") if "parts" not in p.parts] == []
    published.altered.clear()
    assert zoo.load(REPO)(list("ab")) == ["b", "a"]


def test_a_connection_that_breaks_goes_on_where_it_broke(published):
    published.breaks["model.safetensors"] = [1000, 500]
    published.asked.clear()
    assert zoo.load(REPO)(list("ab")) == ["b", "a"]
    asked = [line for line in published.asked if "model.safetensors" in line]
    assert [line.split()[2:] for line in asked] == [
        [],
        ["bytes=1000-"],
        ["bytes=1500-"],
    ]


def test_a_connection_that_is_broken_for_good_is_told_and_resumed_later(published):
    published.breaks["model.safetensors"] = [1000, *[0] * 9]
    with pytest.raises(FetchError, match=r"1000 bytes of model\.safetensors are here"):
        zoo.load(REPO)
    published.breaks.clear()
    published.asked.clear()
    assert zoo.load(REPO)(list("ab")) == ["b", "a"]
    (asked,) = [line for line in published.asked if "model.safetensors" in line]
    assert asked.endswith("bytes=1000-")


def test_without_a_hub_the_cache_serves_what_was_fetched(published, monkeypatch):
    folder = resolve(REPO)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert resolve(REPO) == folder
    with pytest.raises(FetchError, match="cannot be asked"):
        resolve("hf://me/other")


def test_a_name_can_be_given_to_what_a_repository_holds(published, own_cache):
    folder = download("small-reverse", REPO, "v1")
    assert folder == own_cache / "releases" / "small-reverse"
    assert zoo.load("small-reverse")(list("ab")) == ["b", "a"]
    with pytest.raises(InputError, match="holds small-reverse, and not sort"):
        download("sort", REPO)


@pytest.mark.parametrize(
    "text",
    [
        "hf://",
        "hf://a",
        "hf://a/b/c",
        "hf://../b",
        "hf://a/b@",
        "hf://a/b@../x",
        "hf:a",
    ],
)
def test_what_names_no_repository_is_refused(text):
    with pytest.raises(InputError, match="names no repository"):
        parse_repo(text)


def test_a_token_stays_with_the_server_that_it_is_for():
    from urllib.request import Request

    from zoo.release.transport import _Redirects

    nothing: Any = None
    headers: Any = {}
    given = Request("https://hub.org/a", headers={"Authorization": "Bearer x"})
    for url, kept in (("https://hub.org/b", True), ("https://cdn.org/b", False)):
        found = _Redirects().redirect_request(given, nothing, 302, "", headers, url)
        assert found is not None
        assert found.has_header("Authorization") is kept
    with pytest.raises(FetchError, match="no address"):
        _Redirects().redirect_request(
            given, nothing, 302, "", headers, "file:///etc/passwd"
        )


@pytest.mark.slow
def test_other_software_reads_what_is_published(published, tmp_path):
    """`snapshot_download` and `load_dataset` in a process with no code of ours."""
    code = """
import sys
from huggingface_hub import snapshot_download
folder = snapshot_download("me/small", revision="v1", local_dir=sys.argv[1])
from datasets import load_dataset
found = load_dataset(folder + "/data")
print({name: len(rows) for name, rows in found.items()})
"""
    env = {
        **os.environ,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "snapshot")],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    sizes = {s: len(zoo.data(f"{REPO}@v1")[s]) for s in ("train", "test")}
    assert done.stdout.splitlines()[-1] == str(sizes)
    assert zoo.load(tmp_path / "snapshot")(list("ab")) == ["b", "a"]
