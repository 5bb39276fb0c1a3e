"""Releases come from an HTTP index, whole and checked, or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest

import zoo
from compiler.errors import FetchError, FormatError, InputError, NameLookupError
from compiler.sealed import sums_of
from zoo.release.cache import KEPT
from zoo.release.released import Released
from zoo.release.resolve import download, resolve
from zoo.release.serve import contents, make_server
from zoo.release.shelf import add
from zoo.release.whole import check_files, open_folder

ROOT = Path(__file__).parents[3]
NAME = "small-reverse"


@contextmanager
def running(server):
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def index(small):
    with running(make_server(small.parent)) as address:
        yield address


@contextmanager
def lying(change):
    """Serve what `change(path)` returns; None is no file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = change(self.path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)  # ranges are not known here
            self.end_headers()
            with suppress(OSError):  # whoever asked may have been killed
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address


def test_a_name_comes_from_the_index_that_is_set(index, small, own_cache, monkeypatch):
    with pytest.raises(NameLookupError, match="set CIRCUITZOO_INDEX"):
        zoo.load(NAME)
    monkeypatch.setenv("CIRCUITZOO_INDEX", index)
    model = zoo.load(NAME)
    assert isinstance(model, Released)
    assert model.folder.path == own_cache / "releases" / NAME
    assert model(list("ab")) == ["b", "a"]
    monkeypatch.setenv("CIRCUITZOO_INDEX", "http://127.0.0.1:9")
    assert resolve(NAME) == model.folder.path, "the cache is asked first"
    with pytest.raises(FetchError, match="cannot be reached"):
        zoo.load("other-name")


def test_versions_and_names_that_are_not_there_are_told(index):
    assert download(f"{NAME}@1", index).name == NAME
    with pytest.raises(NameLookupError, match=r"no version 3 at .*; it has 1"):
        download(NAME, index, "3")
    with pytest.raises(NameLookupError, match="Did you mean 'small-reverse'"):
        download("small-revers", index)
    for name in ("../x", "/x", "x/y", "", "X"):
        with pytest.raises(InputError, match="cannot be named"):
            download(name, index)
    with pytest.raises(FetchError, match="no address"):
        download(NAME, "file:///etc")


def test_a_damaged_folder_of_the_cache_is_fetched_anew(index):
    folder = download(NAME, index)
    (folder / "config.json").write_text("{}")
    with pytest.raises(FormatError, match=r"config\.json: found the SHA-256"):
        zoo.load(NAME)
    assert check_files(download(NAME, index)) > 10
    assert zoo.load(NAME)(list("ab")) == ["b", "a"]


def test_a_version_that_became_another_one_is_not_taken(
    index, reverse_files, tmp_path, small
):
    download(NAME, index)
    other = {k: v for k, v in reverse_files.items() if k != "SHA256SUMS"}
    other["README.md"] = b"altered\n"
    add(tmp_path / "other", NAME, 1, {**other, "SHA256SUMS": sums_of(other)})
    with (
        running(make_server(tmp_path / "other")) as second,
        pytest.raises(InputError, match="versions do not change"),
    ):
        download(NAME, second)


def test_what_an_index_says_bounds_what_is_received(small, own_cache):
    shelf = small.parent

    def change(path: str) -> bytes | None:
        data = contents(shelf, path)
        return b"x" * 10**7 if path.endswith("model.safetensors") else data

    with lying(change) as address, pytest.raises(FormatError, match="at most") as told:
        download(NAME, address)
    assert "model.safetensors" in str(told.value)
    sizes = [p.stat().st_size for p in own_cache.rglob("*") if p.is_file()]
    assert sum(sizes) < 200_000


@pytest.mark.parametrize(
    "edit",
    [
        {"folder": "../../etc"},
        {"folder": "/etc"},
        {"name": "../x"},
        {"bytes": 2**60},
        {"bytes": -1},
        {"sums": "0" * 64},
        {"sums": "x"},
        {"version": 7},
        {"claims": []},
        {"extra": 1},
    ],
    ids=str,
)
def test_an_index_that_lies_is_refused(small, edit, own_cache):
    def change(path: str) -> bytes | None:
        data = contents(small.parent, path)
        if path != "/index.json" or data is None:
            return data
        read = json.loads(data)
        read["releases"][0].update(edit)
        return json.dumps(read).encode()

    with lying(change) as address, pytest.raises((FormatError, NameLookupError)):
        download(NAME, address)
    assert list((own_cache / "releases").glob("*")) == []


@pytest.mark.parametrize("line", ["../x", "/etc/passwd", "a/../../x", ".x", "a\\n"])
def test_a_file_that_would_lead_out_of_the_folder_is_refused(
    small, line, tmp_path, monkeypatch
):
    bad = f"{'0' * 64}  {line}\n".encode()
    index = json.loads(contents(small.parent, "/index.json") or b"")
    from compiler.sealed import digest

    sums = (contents(small.parent, f"/{NAME}/SHA256SUMS") or b"") + bad
    index["releases"][0]["sums"] = digest(sums)

    def change(path: str) -> bytes | None:
        if path == "/index.json":
            return json.dumps(index).encode()
        return sums if path.endswith("SHA256SUMS") else b"x"

    with lying(change) as address, pytest.raises(FormatError, match="SHA256SUMS, line"):
        download(NAME, address)


def test_the_server_gives_nothing_but_releases(small, tmp_path):
    shelf = small.parent
    (shelf / "secret").write_text("s")
    (small / "unlisted").write_text("s")
    (tmp_path / "out").write_text("s")
    (shelf / "linked").symlink_to(small)
    for path in (
        "/", "/secret", "/.lock", f"/{NAME}", f"/{NAME}/", f"/{NAME}/unlisted",
        "/../out", "/%2e%2e/out", f"/{NAME}/../../out", "/linked/config.json",
    ):  # fmt: skip
        assert contents(shelf, path) is None, path
    assert contents(shelf, f"/{NAME}/config.json") is not None


FETCH = """
import sys
from zoo.release.resolve import download
download("small-reverse", sys.argv[1])
"""
EXPORT = """
import sys
from pathlib import Path
from zoo.release.shelf import add
source, shelf = map(Path, sys.argv[1:])
files = {
    p.relative_to(source).as_posix(): p.read_bytes()
    for p in source.rglob("*")
    if p.is_file()
}
for version in range(1, 10_000):
    add(shelf, "x", version, files)
"""


def run(code: str, *arguments: object) -> subprocess.Popen:
    """Start a process that knows the packages and nothing of the tests."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.slow
def test_two_processes_that_fetch_one_name_end_with_one_good_folder(index, own_cache):
    jobs = [run(FETCH, index) for _ in range(2)]
    assert [job.wait() for job in jobs] == [0, 0]
    assert check_files(own_cache / "releases" / NAME) > 10
    assert list((own_cache / "parts").iterdir()) == []


def test_a_broken_download_is_kept_for_a_week(index, own_cache):
    for name, age in (("fresh", KEPT - 3600), ("old", KEPT + 3600)):
        part = own_cache / "parts" / name
        part.mkdir(parents=True)
        (part / "model.safetensors").write_bytes(b"half")
        then = time.time() - age
        for path in (part / "model.safetensors", part):
            os.utime(path, (then, then))
    download(NAME, index)
    assert [part.name for part in (own_cache / "parts").iterdir()] == ["fresh"]


@pytest.mark.slow
def test_a_killed_download_leaves_nothing_or_all_and_goes_on(small, own_cache):
    """Killed at random moments of a slow transfer; then the next attempt completes."""
    rng, seen = Random(0), threading.Event()

    def change(path: str) -> bytes | None:
        seen.set()
        time.sleep(0.03)
        return contents(small.parent, path)

    target = own_cache / "releases" / NAME
    with lying(change) as address:
        for _ in range(4):
            seen.clear()
            job = run(FETCH, address)
            assert seen.wait(120)
            time.sleep(rng.random() * 0.5)
            job.kill()
            job.wait()
            if target.exists():
                assert check_files(target) > 10
        assert check_files(download(NAME, address)) > 10


@pytest.mark.slow
def test_a_killed_export_leaves_the_old_state_or_the_new_one(small, tmp_path):
    rng, shelf = Random(0), tmp_path / "killed"
    files = len(open_folder(small).sums)
    for _ in range(5):
        before = len(list(shelf.glob("x*")))
        job = run(EXPORT, small, shelf)
        while len(list(shelf.glob("x*"))) == before and job.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.1)
        job.kill()
        job.wait()
        folders = list(shelf.glob("x*"))
        assert len(folders) > before
        assert [check_files(f) for f in folders] == [files] * len(folders)
        if (shelf / "index.json").exists():
            listed = json.loads((shelf / "index.json").read_text())["releases"]
            assert {e["folder"] for e in listed} <= {f.name for f in folders}
    opened = open_folder(small)
    names = [*opened.sums, "SHA256SUMS"]
    add(shelf, "last", 1, {n: (small / n).read_bytes() for n in names})
    assert [p.name for p in shelf.iterdir() if p.name.endswith(".new")] == []


def test_a_suite_of_an_index_is_fetched_whole(index, own_cache) -> None:
    folders = zoo.download_suite("layers>=1 and kind=compiled", index, progress=False)
    assert [folder.name for folder in folders] == ["small-reverse"]
    assert zoo.load(folders[0])("ab") == ["b", "a"]
    with pytest.raises(InputError, match="no release of http"):
        zoo.download_suite("layers>=9", index)
    with pytest.raises(InputError, match="alone needs the files"):
        zoo.download_suite("not alone", index)
    assert len(zoo.releases(index, suite="name=small*")) == 1
