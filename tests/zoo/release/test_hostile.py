"""One bad thing spoils itself alone; nothing foreign reaches a terminal raw."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from compiler.errors import FormatError, InputError, NameLookupError
from compiler.escapes import escape, escape_lines
from compiler.notation import MOST_DEPTH, MOST_VALUES, parse, render
from compiler.save import CIRCUIT, PROGRAM
from compiler.sealed import SUMS, sums_of
from zoo.release.documents import CERTIFICATE_DOCUMENT
from zoo.release.fields import CERTIFICATE, INDEX, RELEASE, RELEASE_DOCUMENT
from zoo.release.index import read_index
from zoo.release.resolve import download
from zoo.release.shelf import add, find_release, list_broken, list_releases, versions

NAME = "small-reverse"
ESC = "\x1b]0;title\x07\x1b[2J\u202e\ud800"


@pytest.fixture
def shelf(small, monkeypatch, tmp_path):
    monkeypatch.setenv("CIRCUITZOO_RELEASES", str(small.parent))
    monkeypatch.chdir(tmp_path)
    return small.parent


BROKEN = {
    "brace": "{",
    "empty": "",
    "list": "[]",
    "deep": "[" * 700 + "]" * 700,
    "null": "null",
    "half": '{"name": "\\ud800"}',
}


def test_broken_releases_are_told_and_the_others_work(shelf, reverse_files, capsys):
    for name, text in BROKEN.items():
        (shelf / f"broken-{name}").mkdir()
        (shelf / f"broken-{name}" / RELEASE).write_text(text)
    (shelf / "renamed").mkdir()
    (shelf / "renamed" / RELEASE).write_bytes(reverse_files[RELEASE])
    (shelf / "folder").mkdir()
    (shelf / "folder" / RELEASE).mkdir()
    assert NAME in [entry["name"] for entry in list_releases()]
    told = {os.path.basename(broken.name) for broken in list_broken()}
    assert told == {*(f"broken-{name}" for name in BROKEN), "renamed"}
    assert zoo.load(NAME)("ab") == ["b", "a"]
    with pytest.raises(NameLookupError, match="Did you mean 'small-reverse'"):
        zoo.load("small-revers")
    _, fresh = add(shelf, "next", 1, {**reverse_files})
    assert fresh
    index = json.loads((shelf / INDEX).read_text())
    assert [entry["folder"] for entry in index["releases"]] == [NAME]


def test_the_listing_has_a_line_for_what_is_broken(shelf, call):
    (shelf / "broken\x1b[2J").mkdir()
    (shelf / "broken\x1b[2J" / RELEASE).write_text("{")
    path = shelf / NAME / RELEASE
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "claims": {}, "meaning": "x"}))
    outcome = call("releases")
    assert outcome.status == 0
    lines = [line.strip() for line in outcome.out.splitlines()]
    (line,) = [line for line in lines if line.startswith(NAME)]
    assert line.split()[-1] == "-"
    assert "broken: " in outcome.err and "\\x1b[2J" in outcome.err
    assert "\x1b" not in outcome.out + outcome.err


def test_a_folder_that_is_no_version_is_not_found(shelf):
    for folder in ("x.v007", "x.v1", "x.v", "x.v\u0663", "x.v" + "9" * 30):
        (shelf / folder).mkdir()
        (shelf / folder / RELEASE).write_text("{}")
    assert versions(shelf, "x") == []
    assert find_release("x") is None
    with pytest.raises(NameLookupError):
        zoo.load("x@7")


def test_a_stray_file_in_the_cache_blocks_no_download(small, own_cache, monkeypatch):
    from tests.zoo.release.test_index import running
    from zoo.release.serve import make_server

    for folder in ("parts", "locks", "releases"):
        (own_cache / folder).mkdir(parents=True)
        (own_cache / folder / "stray").write_text("x")
        (own_cache / folder / "loop").symlink_to("loop")
    with running(make_server(small.parent)) as address:
        assert download(NAME, address).name == NAME
        index = read_index(address)
    assert [entry["name"] for entry in index.entries] == [NAME]
    assert (own_cache / "parts" / "stray").exists(), "it is not a week old"


def test_a_bad_line_of_an_index_spoils_itself_alone(small):
    from tests.zoo.release.test_index import lying
    from zoo.release.serve import contents

    good = json.loads(contents(small.parent, "/index.json") or b"")
    line = good["releases"][0]
    others = [None, {}, {**line, "claims": 1, "name": "bad"}, {**line, "extra": 1}]

    def change(path: str) -> bytes | None:
        if path != "/index.json":
            return contents(small.parent, path)
        return json.dumps({**good, "releases": [*others, line]}).encode()

    with lying(change) as address:
        listing = read_index(address)
        assert len(listing.broken) == 4
        assert [entry["name"] for entry in listing.entries] == [NAME]
        assert download(NAME, address).name == NAME
        with pytest.raises(FormatError, match="claims"):
            download("bad", address)


def sealed(folder, **changed: bytes) -> None:
    """Write files of a release, and the digests that fit them."""
    files = {p: folder / p for p in [*changed]}
    for name, path in files.items():
        path.write_bytes(changed[name])
    inside = [p for p in folder.rglob("*") if p.is_file() and p.name != SUMS]
    every = {p.relative_to(folder).as_posix(): p.read_bytes() for p in inside}
    (folder / SUMS).write_bytes(sums_of(every))


@pytest.mark.parametrize("command", ["card", "show", "run", "verify"])
def test_foreign_text_reaches_no_terminal_raw(shelf, call, command):
    folder = shelf / NAME
    card = (folder / "README.md").read_bytes() + b"\x1b[2J\x07\xc2\x9b"
    program = json.loads((folder / "program.json").read_bytes())
    program["facts"]["meaning"] = "\x1b[2J"
    program["name"] = "re\x1b[2Jverse"
    release = json.loads((folder / RELEASE).read_bytes())
    release["program"], release["meaning"] = program["name"], "\x1b[31mred"
    texts = {"program.json": render(program), RELEASE: render(release)}
    sealed(folder, **{"README.md": card}, **texts)
    more = {"run": ['["a","b"]'], "verify": ["--quick"]}
    outcome = call(command, NAME, *more.get(command, []))
    for text in (outcome.out, outcome.err):
        assert "\x1b" not in text and "\x07" not in text and "\x9b" not in text
    if command == "card":
        assert "\\x1b[2J\\x07\\x9b" in outcome.out


def test_a_picture_shows_foreign_names_escaped():
    model = zoo.compile("reverse", vocab=["\x1b[2J", "<b>", "\ud800"], max_len=2)
    text = model.picture().svg
    assert text.encode("utf-8")
    assert not {"\x1b", "\ud800"} & set(text)
    assert "<b>" not in text


def test_escaping_leaves_what_can_be_seen():
    seen = "é 日本 ≤ \U0001f600 a\\b"
    assert escape(seen) == escape_lines(seen) == seen
    assert escape("a\nb\tc") == "a\\nb\\tc"
    assert escape_lines("a\nb\tc") == "a\nb\tc"
    for character in ESC:
        assert (character in escape(ESC)) == character.isprintable()
    escape(ESC).encode("utf-8")


def test_nesting_is_refused_at_one_depth_everywhere(small):
    said = json.loads((small / CERTIFICATE).read_text())
    for depth in (1, 60, MOST_DEPTH, 300, 490, 990, 3000, 100_000):
        token = "[" * depth + "]" * depth
        text = json.dumps({**said, "circuit": "HERE"}).replace('"HERE"', "%s")
        edges = json.dumps(said["circuit"])
        first = json.dumps(said["circuit"][0]["witness"]["base"][0])
        data = (
            text % edges.replace(f'"base": [{first}', f'"base": [{token}', 1)
        ).encode()
        if depth + 5 <= MOST_DEPTH:
            CERTIFICATE_DOCUMENT.parse(data, CERTIFICATE)
        else:
            with pytest.raises(FormatError, match=r"deep, expected at most"):
                CERTIFICATE_DOCUMENT.parse(data, CERTIFICATE)


def test_brackets_in_texts_are_no_nesting():
    text = "[{" * 500 + '\\"' + "]}" * 9
    assert parse(json.dumps([text, "]" * 500]).encode(), "x").json[0] == text
    hidden = b'["' + b"]" * 500 + b'", ' + b"[" * 300
    with pytest.raises(FormatError, match="301 deep"):
        parse(hidden, "x")


@pytest.mark.parametrize(
    "change",
    [
        {"program": "x" * 10**6},
        {"meaning": "x" * 10**6},
        {"claims": {str(n): 1.0 for n in range(10**5)}},
        {"claims": {"x" * 10**6: 1.0}},
        {"name": "x" * 10**6},
    ],
    ids=["program", "meaning", "claims", "claim", "name"],
)
def test_long_texts_and_lists_are_refused_at_once(small, change):
    said = json.loads((small / RELEASE).read_text())
    data = json.dumps({**said, **change}).encode()
    begun = time.monotonic()
    with pytest.raises(FormatError) as told:
        RELEASE_DOCUMENT.parse(data, RELEASE)
    assert len(str(told.value)) < 1000
    assert time.monotonic() - begun < 5


def test_half_of_a_surrogate_pair_is_neither_read_nor_written():
    with pytest.raises(FormatError, match="surrogates"):
        parse(b'{"a": ["\\ud800"]}', "x")
    with pytest.raises(FormatError, match="surrogates"):
        parse(b'{"\\udfff": 1}', "x")
    assert parse(b'["\\ud83d\\ude00", "\\\\ud800"]', "x").json[0] == "\U0001f600"
    with pytest.raises(InputError, match="surrogates"):
        render({"a": "\ud800"})


LOAD = """
import resource, sys
from pathlib import Path
from compiler.errors import FormatError
import zoo
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
zoo.load(Path(sys.argv[1]))
before = peak()
try:
    zoo.load(Path(sys.argv[2]))
except FormatError as error:
    print(peak() - before, error)
"""


@pytest.mark.slow
def test_the_largest_documents_load_within_the_stated_memory(small, tmp_path):
    """Two files with as many values as are read, each the largest for its text."""
    hostile = tmp_path / "hostile"
    shutil.copytree(small, hostile)
    values = b"{}," * (MOST_VALUES // 2 - 10)
    texts = {name: b'{"a": [' + values + b"0]}" for name in (PROGRAM, CIRCUIT)}
    sealed(hostile, **texts)
    command = [sys.executable, "-c", LOAD, str(small), str(hostile)]
    root = Path(__file__).parents[3]
    out = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    grown, _, told = out.stdout.partition(" ")
    assert "expected an object with the keys" in told
    assert int(grown) < 2 * 2**30
