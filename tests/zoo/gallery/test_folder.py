"""A site is written whole, and never in the place of anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.errors import InputError
from zoo.gallery.folder import LIST, write_site

FILES = {"index.html": b"one", "models/a.html": b"two"}


def content(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
    }


def test_a_site_replaces_the_one_before_it(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "site"
    write_site(target, FILES)
    write_site(target, {"index.html": b"new"})
    found = content(target)
    assert set(found) == {"index.html", LIST} and found["index.html"] == b"new"
    assert [p.name for p in target.parent.iterdir()] == ["site"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_site(tmp_path, FILES)
    assert content(tmp_path).keys() == {*FILES, LIST}


def add_file(target: Path) -> None:
    (target / "CNAME").write_text("mine")


def change_file(target: Path) -> None:
    (target / "index.html").write_text("edited by hand")


def remove_list(target: Path) -> None:
    (target / LIST).unlink()


def damage_list(target: Path) -> None:
    (target / LIST).write_text('{"format": []')


def add_link(target: Path) -> None:
    (target / "link").symlink_to(target.parent)


def add_folder(target: Path) -> None:
    (target / "mine").mkdir()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add_file, "1 file beside its site: CNAME"),
        (change_file, "1 file of the site changed after it was written: index.html"),
        (remove_list, "something else than a site: index.html, models/a.html"),
        (damage_list, "something else than a site"),
        (add_link, "beside its site: link"),
        (add_folder, "beside its site: mine"),
    ],
)
def test_what_would_be_lost_is_refused_and_stays(
    tmp_path: Path, change, said: str
) -> None:
    target = tmp_path / "site"
    write_site(target, FILES)
    change(target)
    before = content(target)
    with pytest.raises(InputError, match=said) as error:
        write_site(target, {"index.html": b"new"})
    assert "--out" in str(error.value)
    assert content(target) == before


def test_a_file_or_a_link_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    for name, word in (("file", "a file"), ("link", "a link")):
        with pytest.raises(InputError, match=f"is {word}, and a site is a folder"):
            write_site(tmp_path / name, FILES)
    assert content(tmp_path) == {"file": b"x"}


def test_a_removed_file_of_a_site_is_no_obstacle(tmp_path: Path) -> None:
    write_site(tmp_path / "site", FILES)
    (tmp_path / "site/index.html").unlink()
    write_site(tmp_path / "site", FILES)
    assert content(tmp_path / "site")["index.html"] == b"one"
