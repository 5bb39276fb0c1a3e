"""Files and folders are the old ones or the new ones, whenever a process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from compiler import files
from compiler.errors import InputError
from compiler.files import (
    check_room,
    locked,
    put_folder,
    recover,
    sweep,
    write_atomically,
)

OLD = {"a": b"old", "data/b": b"old b"}
NEW = {"a": b"new", "data/b": b"new b", "c": b"new c"}

# Forks a child for every step of an overwrite; the child dies right before that step.
KILLER = """
import os, sys
from pathlib import Path
from compiler import files

target, exchanges, action = Path(sys.argv[1]), sys.argv[2] == "yes", sys.argv[3]
old = {"a": b"old", "data/b": b"old b"}
new = {"a": b"new", "data/b": b"new b", "c": b"new c"}
POINTS = "rename", "replace", "fsync", "mkdir", "unlink", "rmdir", "open"

def overwrite(step):
    count = 0
    def before(function):
        def called(*args, **options):
            nonlocal count
            if count == step:
                os.kill(os.getpid(), 9)
            count += 1
            return function(*args, **options)
        return called
    for name in POINTS:
        setattr(os, name, before(getattr(os, name)))
    exchange = before(files._exchange) if exchanges else lambda *_: False
    files._exchange = exchange
    if action == "folder":
        files.put_folder(target, new)
    else:
        files.write_atomically(target, b"new")
    os._exit(0)

import filelock  # not at a step that is counted
for step in range(1000):
    if action == "folder":
        files.put_folder(target, old)
    else:
        files.write_atomically(target, b"old")
    child = os.fork()
    if child == 0:
        try:
            overwrite(step)
        finally:
            os._exit(3)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, flush=True)
    sys.stdin.readline()
    if status == 0:
        break
"""


def read(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, by name."""
    found = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("exchanges", ["yes", "no"])
@pytest.mark.parametrize("action", ["folder", "file"])
def test_a_kill_before_any_step_leaves_the_old_or_the_new(tmp_path, exchanges, action):
    target, seen, steps = tmp_path / "it", set(), 0
    job = subprocess.Popen(
        [sys.executable, "-c", KILLER, str(target), exchanges, action],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert job.stdin is not None and job.stdout is not None
    status = -9
    while status == -9:
        status = int(job.stdout.readline())
        if exchanges == "no":
            recover(target)  # as every reader does
        found = read(target) if action == "folder" else {"a": target.read_bytes()}
        complete = [OLD, NEW] if action == "folder" else [{"a": b"old"}, {"a": b"new"}]
        assert found in complete, steps
        seen.add(found["a"])
        steps += 1
        job.stdin.write("\n")
        job.stdin.flush()
    assert status == 0
    assert job.wait(30) == 0
    assert seen == {b"old", b"new"}
    assert steps > (12 if action == "folder" else 2)
    put_folder(tmp_path / "it", NEW) if action == "folder" else None
    left = {p.name for p in tmp_path.iterdir()} - {"it"}
    assert all(name.endswith(".part") for name in left), "the next writer sweeps"


def test_what_an_earlier_overwrite_left_is_found_again(tmp_path):
    target = tmp_path / "it"
    put_folder(tmp_path / ".it.0123abcd.old", OLD)
    put_folder(tmp_path / ".it.0123abce.new", {"a": b"half"})
    recover(target)
    assert read(target) == OLD
    assert [p.name for p in tmp_path.iterdir()] == ["it"]


def test_a_sweep_leaves_writers_alone_that_hold_their_lock(tmp_path):
    for name in ("it", "other"):
        put_folder(tmp_path / f".{name}.0123abcd.new", OLD)
    with locked(tmp_path / ".it.lock"):
        sweep(tmp_path)
    assert (tmp_path / ".it.0123abcd.new").is_dir()
    assert not (tmp_path / ".other.0123abcd.new").exists()


def test_parts_of_files_go_once_their_writer_is_long_dead(tmp_path):
    fresh, stale = tmp_path / ".x.0123abcd.part", tmp_path / ".x.0123abce.part"
    for path in (fresh, stale):
        path.write_bytes(b"half")
    os.utime(stale, (0, 0))
    write_atomically(tmp_path / "x", b"whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [fresh.name, "x"]


def test_a_lock_that_is_a_link_is_refused_and_its_target_untouched(tmp_path):
    (tmp_path / "precious").write_bytes(b"text")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match="is a link"), locked(tmp_path / "lock"):
        pass
    assert (tmp_path / "precious").read_bytes() == b"text"
    (tmp_path / ".it.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match="is a link"):
        put_folder(tmp_path / "it", OLD)
    assert (tmp_path / "precious").read_bytes() == b"text"


def test_a_lock_file_keeps_what_is_in_it(tmp_path):
    (tmp_path / "lock").write_bytes(b"text")
    with locked(tmp_path / "lock"):
        pass
    assert (tmp_path / "lock").read_bytes() == b"text"


def test_a_lock_that_is_never_let_go_is_told(tmp_path):
    told: list[str] = []

    def wait() -> None:
        try:
            with locked(tmp_path / "lock", wait=0.1):
                told.append("held")
        except InputError as error:
            told.append(str(error))

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert "another process has held this lock" in told[0]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_where_no_file_can_be_made_no_lock_is_waited_for():
    """In /proc the system says "no such file", as it does where a folder vanished."""
    with pytest.raises(FileNotFoundError), locked(Path("/proc/.x.lock")):
        pass


def test_many_writers_of_one_folder_leave_one_whole_folder(tmp_path):
    target = tmp_path / "it"

    def write(number: int) -> None:
        for _ in range(5):
            put_folder(target, {"a": b"%d" % number, "b": b"%d" % number})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(target)
    assert found["a"] == found["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["it"]


def test_the_two_renames_serve_where_names_cannot_be_exchanged(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchange", lambda *_: False)
    put_folder(tmp_path / "it", OLD)
    put_folder(tmp_path / "it", NEW)
    assert read(tmp_path / "it") == NEW
    assert [p.name for p in tmp_path.iterdir()] == ["it"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
@pytest.mark.parametrize("place", ["/proc/models", "/proc/self/a/b"])
def test_a_folder_that_takes_no_file_is_refused_before_the_work(place: str) -> None:
    with pytest.raises(InputError, match=r"nothing can be written in /proc"):
        check_room(Path(place))


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(InputError, match=r"nothing can be written in .*/a"):
        check_room(tmp_path / "a" / "b")
    check_room(tmp_path / "c" / "d")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
