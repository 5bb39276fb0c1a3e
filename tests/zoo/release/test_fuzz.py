"""Releases with something wrong in them: refused in one clear sentence, or unharmed.

400 mutations, 5,000 with HYPOTHESIS_PROFILE=thorough: bytes, JSON, the header of the
tensors, names that lead out, missing, extra and linked files; in half of them the
digests are made to fit again. Without that a mutated release is refused, or loads equal
to the original. With it, what loads is just what the files say: saving it gives them
back. No other exception, no file written, no load of seconds, no memory beyond a bound.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import FormatError, ZooError
from compiler.save import CIRCUIT, CONFIG, PROGRAM, WEIGHTS, to_files
from compiler.sealed import SUMS, sums_of
from tests.saved_files import normal_files
from zoo.release.documents import CERTIFICATE_DOCUMENT, DOCUMENTS
from zoo.release.fields import CERTIFICATE, INDEX_DOCUMENT, RELEASE, SPLITS, data_file
from zoo.release.released import Released
from zoo.release.schema import Document
from zoo.release.tables import from_parquet, to_parquet

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SHARDS, EACH = (10, 500) if THOROUGH else (4, 100)
MOST_SECONDS = 10.0  # a whole load; the machine may be busy
MOST_GROWTH = 400 * 2**10  # KiB that the process may grow by in a shard
EVIL = (
    "../x", "/etc/passwd", "data/../../x", "..", ".", "", "a\x00b", "a\nb", "~/x",
    "C:\\x", "data//test.parquet", ".hidden", "SHA256SUMS", "x" * 5000, "\ud800", "*",
)  # fmt: skip
WRONG = (
    None, True, -1, 0, 1, 2**31, 2**70, 10**300, 0.5, -1e308, "", "x", "../x", [], {}
)  # fmt: skip
JSON_FILES = (CONFIG, CIRCUIT, PROGRAM, RELEASE, CERTIFICATE)


def mutate(files: dict[str, bytes], rng: Random) -> str:
    """Change one thing in the files; return what."""
    kind = rng.choice(list(KINDS))
    return f"{kind}: {KINDS[kind](files, rng)}"


def change_bytes(files: dict[str, bytes], rng: Random) -> str:
    name = rng.choice(sorted(files))
    data = bytearray(files[name] or b"x")
    for _ in range(rng.choice([1, 1, 4, 64])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    files[name] = bytes(data)
    return name


def cut(files: dict[str, bytes], rng: Random) -> str:
    name = rng.choice(sorted(files))
    place = rng.randrange(len(files[name]) + 1)
    files[name] = files[name][:place] + rng.choice([b"", b"", b"\0" * 1000, b"[" * 9])
    return name


def leave_out(files: dict[str, bytes], rng: Random) -> str:
    name = rng.choice(sorted(files))
    del files[name]
    return name


def swap(files: dict[str, bytes], rng: Random) -> str:
    one, other = rng.sample(sorted(files), 2)
    files[one], files[other] = files[other], files[one]
    return f"{one} and {other}"


def change_json(files: dict[str, bytes], rng: Random) -> str:
    name = rng.choice(JSON_FILES)
    data = json.loads(files[name])
    place = _change(data, rng)
    files[name] = json.dumps(data).encode()
    return f"{name} {place}"


def deepen(files: dict[str, bytes], rng: Random) -> str:
    name = rng.choice(JSON_FILES)
    depth = rng.choice([50, 900, 5000, 100_000])
    opened, closed = rng.choice([("[", "]"), ('{"a":', "}")])
    deep = opened * depth + "1" + closed * depth
    text = files[name].decode()
    colon = rng.choice([i for i, c in enumerate(text) if c == ":"])
    comma = next((i for i in range(colon, len(text)) if text[i] in ",}\n"), len(text))
    files[name] = (text[: colon + 1] + deep + text[comma:]).encode()
    return f"{name}, {depth} deep"


def change_header(files: dict[str, bytes], rng: Random) -> str:
    data = files[WEIGHTS]
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    action = rng.randrange(4)
    name = rng.choice(sorted(header))
    if action == 0:
        place = _change(header, rng)
    elif action == 1:
        place = rng.choice(["F64", "F16", "I64", "BOOL", "F32 ", "", "U8"])
        header[name]["dtype"] = place
    elif action == 2:
        place = rng.choice([[], [2**40, 2**40], [0], [-1, -1], [2**63], [1.5], None])
        header[name]["shape"] = place
    else:
        place = rng.choice([[0, 2**62], [-4, 0], [4, 0], [0], [0, 0], [2**64, 2**65]])
        header[name]["data_offsets"] = place
    text = json.dumps(header).encode()
    length = rng.choice([len(text)] * 4 + [0, 2**63, 2**64 - 1, len(data), 10**8])
    files[WEIGHTS] = length.to_bytes(8, "little") + text + data[8 + size :]
    return f"{name} {place} {length}"


def change_names(files: dict[str, bytes], rng: Random) -> str:
    lines = files[SUMS].split(b"\n")
    number = rng.randrange(len(lines) - 1)
    name = rng.choice(EVIL).encode("utf-8", "surrogatepass")
    known, _, old = lines[number].partition(b"  ")
    lines[number] = known + b"  " + rng.choice([name, old + b"/" + name, name + old])
    if rng.random() < 0.3:
        lines.insert(number, lines[number + 1])
    files[SUMS] = b"\n".join(lines)
    return repr(name)[:40]


def add_file(files: dict[str, bytes], rng: Random) -> str:
    name = rng.choice(["extra.py", "data/extra.parquet", "model.pkl", "a/b/c", ".x"])
    files[name] = rng.choice([b"", b"x" * 100, b"import os"])
    return name


def link(files: dict[str, bytes], rng: Random) -> str:
    name = rng.choice(sorted(files))
    files[name] = b"LINK:" + rng.choice(
        [b"/etc/passwd", b"../other", b"self", b"/dev/zero", b"FIFO", b"DIR", b"loop"]
    )
    return f"{name} {files[name]!r}"


KINDS = {
    "bytes": change_bytes,
    "cut": cut,
    "missing": leave_out,
    "swapped": swap,
    "json": change_json,
    "json again": change_json,
    "json once more": change_json,
    "deep": deepen,
    "header": change_header,
    "names": change_names,
    "extra": add_file,
    "link": link,
}


def _change(data, rng: Random) -> str:
    """Change one piece of some JSON, found by a walk from the top; return where."""
    above: Any = data
    path: list[Any] = []
    while True:
        keys = sorted(above) if isinstance(above, dict) else range(len(above))
        key = rng.choice(list(keys))
        path.append(key)
        inner = above[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.2:
            break
        above = inner
    old = above[key]
    new = rng.choice([*WRONG, [old], {"a": old}, str(old)[:80], old, [old] * 3])
    action = rng.randrange(5)
    if action == 0 and isinstance(above, list):
        above.insert(rng.randrange(len(above) + 1), old)
    elif action == 0:
        above[rng.choice(["x", "../x", "format", f"{key}2"])] = old
    elif action == 1:
        del above[key]
    else:
        above[key] = new
    return f"{path}"[:80]


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not data.startswith(b"LINK:"):
            path.write_bytes(data)
        elif data == b"LINK:FIFO":
            os.mkfifo(path)
        elif data == b"LINK:DIR":
            path.mkdir()
        else:
            target = data[5:].decode()
            path.symlink_to(
                {"self": folder / "README.md", "loop": path}.get(target, target)
            )


def _plain(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return what digests are made of: links read through, as an attacker would."""
    return {
        n: (Path("/etc/passwd").read_bytes() if d == b"LINK:/etc/passwd" else d)
        for n, d in files.items()
        if n != SUMS
    }


def open_all(folder: Path) -> Released:
    """Load a release, and read all that can be read of it."""
    model = zoo.load(folder)
    if not isinstance(model, Released):
        raise FormatError("release.json: it is gone, and this is a plain model")
    assert model.certificate.pairs >= 0
    model.pairs("test")
    model.pairs("train")
    assert model.recipe is None or model.recipe.steps > 0
    assert isinstance(model.card, str)
    return model


def same(found: Released, original: Released) -> bool:
    pairs = zip(found.weights, original.weights, strict=True)
    return (
        found.config == original.config
        and found.circuit == original.circuit
        and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
        and found.interpreter(["a", "b"]) == original.interpreter(["a", "b"])
    )


@pytest.fixture(scope="module")
def files(reverse_files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of a release with a few pairs only, so that much can be tried."""
    few = {n: data for n, data in reverse_files.items() if n != SUMS}
    for name in map(data_file, SPLITS):
        few[name] = to_parquet(from_parquet(few[name], name)[:8].to_pylist())
    return {**few, SUMS: sums_of(few)}


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_mutated_release_is_refused_or_is_just_what_it_says(
    tmp_path: Path, files: dict[str, bytes], shard: int
) -> None:
    rng, folder, loaded = Random(shard), tmp_path / "in" / "it", 0
    write(folder, files)
    original = open_all(folder)
    (tmp_path / "in" / "other").write_bytes(b"outside")
    outside = sorted(tmp_path.rglob("*"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(EACH):
        mutated = dict(files)
        told = f"{shard}.{number} {mutate(mutated, rng)}"
        sealed = number % 2 == 0 and SUMS in mutated and "names" not in told
        if sealed:
            mutated[SUMS] = sums_of(_plain(mutated))
        shutil.rmtree(folder)
        write(folder, mutated)
        begun, here = time.monotonic(), sorted(tmp_path.rglob("*"))
        try:
            found = open_all(folder)
        except FormatError as error:
            text = str(error)
            assert text.isascii() and 20 < len(text) < 3000, told
        else:
            loaded += 1
            if not sealed:
                assert same(found, original), told
            names = (CONFIG, CIRCUIT, PROGRAM, WEIGHTS)
            now = {n: (folder / n).read_bytes() for n in names}
            assert normal_files(to_files(found)) == normal_files(now), told
        assert time.monotonic() - begun < MOST_SECONDS, told
        assert sorted(tmp_path.rglob("*")) == here, told
    shutil.rmtree(folder)
    write(folder, files)
    assert sorted(tmp_path.rglob("*")) == outside
    assert (tmp_path / "in" / "other").read_bytes() == b"outside"
    assert EACH / 50 < loaded < EACH / 2
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_GROWTH


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.file)
def test_mutated_documents_are_refused_or_read(document: Document, tmp_path) -> None:
    from compiler.notation import parse
    from zoo.release.shelf import index_bytes

    shelf = Path(__file__).parents[3] / "releases"
    text = (
        index_bytes(shelf)
        if document is INDEX_DOCUMENT
        else (shelf / "sort-siit" / document.file).read_bytes()
    )
    if document.file == CONFIG:
        return  # read by the loader of models
    refused = 0
    for number in range(60):
        data = json.loads(text)
        told = _change(data, Random(number))
        try:
            document.read(parse(json.dumps(data).encode(), document.file))
        except ZooError as error:
            assert isinstance(error, FormatError), told
            assert document.file in str(error), told
            refused += 1
    assert refused > 20


def test_a_certificate_is_read_back_to_the_byte() -> None:
    from compiler.notation import parse
    from zoo.release.build import certificate_bytes

    shelf = Path(__file__).parents[3] / "releases"
    for path in sorted(shelf.glob(f"*/{CERTIFICATE}"))[::16]:
        data = path.read_bytes()
        read = CERTIFICATE_DOCUMENT.read(parse(data, CERTIFICATE))
        assert certificate_bytes(read) == data
