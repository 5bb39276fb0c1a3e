"""The pages without a browser: well formed, complete, nothing from elsewhere, small."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from zoo.gallery.entries import Entry, entry_of
from zoo.gallery.markup import Markup, safe_json, tag
from zoo.gallery.overview import CARDS, overview_pages
from zoo.gallery.program import program_section, shown
from zoo.gallery.site import MODELS, PageMaker, Shelved, assets
from zoo.gallery.thumbnail import small_svg
from zoo.release.released import Released, load_released

ROOT = Path(__file__).parents[3]
LINKS = ("src", "href", "data", "srcset", "action", "poster")


def tree(page: Path) -> ElementTree.Element:
    """Return a page as XML, without the line that names its type."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n")
    return ElementTree.fromstring(text.partition("\n")[2])


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def text_of(page: Path) -> str:
    """Return what a reader without scripts sees: nothing hidden, no data."""

    class Reader(HTMLParser):
        depth, found = 0, ""
        void = ("meta", "link", "img", "input", "br", "hr")

        def handle_starttag(self, name: str, attrs: Any) -> None:
            given = dict(attrs)
            out = "hidden" in given or name in ("script", "style", "head")
            if name not in self.void and (self.depth or out):
                self.depth += 1

        def handle_startendtag(self, name: str, attrs: Any) -> None:
            pass

        def handle_endtag(self, name: str) -> None:
            self.depth -= self.depth > 0

        def handle_data(self, data: str) -> None:
            self.found += "" if self.depth else f"{data} "

    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return " ".join(reader.found.split())


def links(page: Path) -> Iterator[str]:
    for element in tree(page).iter():
        yield from (element.get(name, "") for name in LINKS if element.get(name))


def dead(page: Path, site: Path) -> list[str]:
    """Return the links of a page to a file or a part of a page that is not there."""
    found = []
    for link in links(page):
        path, _, part = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = target.is_relative_to(site.resolve()) and target.is_file()
        if not inside or (part and part not in ids(target)):
            found.append(link)
    return found


def ids(page: Path) -> set[str]:
    return {e.get("id", "") for e in tree(page).iter()}


def test_all_pages_are_well_formed_and_name_each_part_once(gallery: Path) -> None:
    assert len(pages(gallery)) == 3
    for page in pages(gallery):
        named = [e.get("id") for e in tree(page).iter() if e.get("id")]
        assert len(named) == len(set(named)), page.name


def test_every_link_leads_to_a_file_of_the_site(gallery: Path) -> None:
    assert {p.name: dead(p, gallery) for p in pages(gallery) if dead(p, gallery)} == {}
    assert sum(len(list(links(p))) for p in pages(gallery)) > 20


def test_nothing_is_requested_from_elsewhere_and_nothing_inside_runs(
    gallery: Path,
) -> None:
    for page in pages(gallery):
        policy = [
            e.get("content", "")
            for e in tree(page).iter("meta")
            if e.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy and "default-src 'none'" in policy[0]
        assert "unsafe" not in policy[0] and "http" not in policy[0]
        for element in tree(page).iter():
            attributes = set(element.keys())
            assert not {a for a in attributes if a.startswith("on") or a == "style"}
            if element.tag == "script" and not element.get("src"):
                assert element.get("type") == "application/json"
    for file in (gallery / "assets").iterdir():
        text = file.read_text(encoding="utf-8")
        text = text.replace("http://www.w3.org/2000/svg", "")  # a name, never fetched
        assert not re.search(r"https?://|@import|url\(|\beval\b|innerHTML", text), file


def test_a_reader_without_scripts_has_the_program_the_circuit_and_the_certificate(
    gallery: Path, proven: Released
) -> None:
    model = proven
    text = text_of(gallery / "models/maximum-siit.html")
    for line in str(model.facts["source"]).splitlines():
        assert " ".join(line.split()) in text
    for finding in model.certificate.circuit:
        assert f"{finding.edge} " in text
        assert f"{finding.effect.share:.4f}" in text
    for claim in model.certificate.claims:
        assert f"{claim.found:.4f}" in text
    assert model.certificate.proof is not None and "for any donor" in text
    assert 'zoo.load("maximum-siit")' in text
    assert "Version shown 2 of 2" in text


def test_the_example_in_the_page_is_what_the_interpreter_gives(
    gallery: Path, proven: Released
) -> None:
    model = proven
    page = tree(gallery / "models/maximum-siit.html")
    (table,) = [e for e in page.iter("table") if e.get("class") == "trace"]
    rows = {r[0].findtext("span"): [c.text for c in r[1:]] for r in table[2]}
    held = model.interpreter([int(token or 0) for token in rows["tokens"]])
    assert rows == {name: list(map(str, values)) for name, values in held.items()}


def test_a_task_by_hand_says_that_the_page_cannot_compute_it() -> None:
    model = load_released(ROOT / "releases/sort-llama")
    pair = model.pairs("test")[0]
    found = program_section(model, [pair.clean], [pair])
    assert "the page cannot compute it" in found and "<script" not in found
    for token, output in zip(pair.clean, pair.clean_outputs, strict=True):
        assert f"<b>{shown(token)}</b><i>{shown(output)}</i>" in found


def test_a_broken_release_is_left_out_with_its_reason(gallery: Path) -> None:
    text = text_of(gallery / "index.html")
    assert "Left out" in text and "broken" in text
    assert (
        "<script>" not in (gallery / "index.html").read_text().partition("Left out")[2]
    )


def test_the_list_without_scripts_has_every_release(gallery: Path) -> None:
    text = text_of(gallery / "index.html")
    for name in ("reverse-compiled", "maximum-siit"):
        assert name in text


def test_the_same_release_gives_the_same_page(gallery: Path, shelf: Path) -> None:
    """So a site under version control changes only where a release does."""
    maker = PageMaker((MODELS,), None, False)
    _, files = maker.release(Shelved(shelf / "reverse-compiled", 1))
    page = (gallery / "models/reverse-compiled.html").read_bytes()
    assert files["models/reverse-compiled.html"] == page


# Many entries -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def entry(proven: Released) -> Entry:
    return entry_of(proven, 2, 0)


def many(entry: Entry, size: int) -> list[Entry]:
    """Return made-up entries that differ in what is filtered and sorted."""
    return [
        replace(
            entry,
            name=f"made-up-program-number-{i}-siit",
            program=f"made_up_{i}",
            layers=1 + i % 8,
            nodes=1 + i % 17,
            parameters=1000 + 37 * i,
            kind=("trained", "compiled", "compressed")[i % 3],
            norm=("none", "pre", "rms")[i % 3],
            family=f"family-{i % 9}/part-{i % 27}",
            audit=("full", "quick", "sample")[i % 3],
        )
        for i in range(size)
    ]


def test_an_entry_says_what_the_release_does(entry: Entry, proven: Released) -> None:
    model = proven
    assert (entry.layers, entry.heads, entry.d_model) == (2, 4, model.config.d_model)
    assert (entry.kind, entry.family, entry.task) == (
        "trained",
        model.facts["family"],
        "program",
    )
    assert entry.proven and entry.audit == "full" and entry.fails == ()
    heads = {e.source for e in model.circuit.edges} - {"tokens", "positions"}
    assert entry.nodes == len(heads)
    assert entry.least == min(claim.found for claim in model.certificate.claims)


def test_the_first_page_of_300_models_is_under_300_kib(
    entry: Entry, proven: Released
) -> None:
    entries = many(entry, 300)
    page = overview_pages(entries)["index.html"]
    files = assets(entries)
    asked = ("site.css", "models.js", "list.js", "icon.svg")
    size = len(page) + sum(len(files[f"assets/{name}"]) for name in asked)
    pictures = 2 * CARDS * len(small_svg(proven.circuit))  # twice: others are larger
    assert size + pictures < 300 * 1024


def test_the_site_of_300_models_is_under_30_mib(gallery: Path, entry: Entry) -> None:
    """Without runs; `test_recordings.py` has the size of what runs add."""
    models = [p.stat().st_size for p in (gallery / "models").iterdir()]
    lists = sum(len(page) for page in overview_pages(many(entry, 300)).values())
    fixed = sum(p.stat().st_size for p in (gallery / "assets").iterdir())
    assert 300 * max(models) + lists + fixed < 30 * 2**20


def test_more_pages_list_the_rest_for_readers_without_scripts(entry: Entry) -> None:
    found = overview_pages(many(entry, 2 * CARDS + 1))
    assert list(found) == ["index.html", "models-2.html", "models-3.html"]
    names = re.findall(
        r'href="models/([\w-]+)\.html"', "".join(map(bytes.decode, found.values()))
    )
    assert len(names) == len(set(names)) == 2 * CARDS + 1


# Foreign text -----------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e`<b>`"


def test_text_of_a_release_is_shown_and_never_mark_up(entry: Entry) -> None:
    bad = replace(entry, meaning=HOSTILE, program=HOSTILE, family=HOSTILE)
    page = overview_pages([bad])["index.html"].decode()
    assert "<script>alert" not in page and "\x1b" not in page and "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "\\x1b[31m" in page
    assert "<code>&lt;b&gt;</code>" in page
    ElementTree.fromstring(page.partition("\n")[2])
    script = assets([bad])["assets/models.js"].decode()
    assert "<" not in script.replace("<=", "")


def test_attributes_and_data_are_escaped() -> None:
    made = tag("a", HOSTILE, href='"><script>', title=HOSTILE, hidden=True)
    element = ElementTree.fromstring(made)
    assert element.get("href") == '"><script>' and element.get("hidden") == ""
    assert list(element) == []
    assert json.loads(safe_json({"a": "</script>&"})) == {"a": "</script>&"}
    assert "<" not in safe_json("</script>") and isinstance(made, Markup)
