"""Laws of the picture: nothing overlaps, nothing leaves the page, no edge is missing.

They are read from the page's shapes; SVG and PNG are then checked to hold them.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

import zoo
from compiler.errors import InputError
from compiler.model import Model
from compiler.picture import Page, to_svg
from compiler.picture.paint import INK, PALER
from compiler.picture.shapes import Box, CurvedLine, Text

PROGRAMS = (
    "identity",
    "reverse",
    "dyck1_ptf",
    "acronym",
    "stack_manipulation",
    "in_context_bigram_mode",
    "sort with decoys",
)
SVG = "{http://www.w3.org/2000/svg}"


@cache
def model_of(name: str) -> Model:
    program, _, decoys = name.partition(" with ")
    return zoo.compile(program, decoys=2 if decoys else 0)


@cache
def page_of(name: str) -> Page:
    return model_of(name).picture().page


def node_boxes(page: Page) -> dict[str, Box]:
    """Return the outline of every node by its name."""
    boxes = [s for s in page.shapes if isinstance(s, Box) and s.stroke in (INK, PALER)]
    found = {box.title.partition(":")[0]: box for box in boxes}
    assert len(found) == len(boxes)
    return found


def edges_of(page: Page) -> list[CurvedLine]:
    return [s for s in page.shapes if isinstance(s, CurvedLine) and s.arrow]


def span(text: Text) -> tuple[float, float]:
    """Return where a line of text starts and ends."""
    left = {"start": 0.0, "middle": text.width / 2, "end": text.width}[text.anchor]
    return text.x - left, text.x - left + text.width


def points(curve: CurvedLine) -> Iterator[tuple[float, float]]:
    """Yield points of a line: upright to its bend, then a cubic."""
    middle = (curve.bend + curve.y1) / 2
    xs = (curve.x0, curve.x0, curve.x1, curve.x1)
    ys = (curve.bend, middle, middle, curve.y1)
    for i in range(41):
        t = i / 40
        yield curve.x0, curve.y0 + t * (curve.bend - curve.y0)
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        yield (
            sum(w * x for w, x in zip(weights, xs, strict=True)),
            sum(w * y for w, y in zip(weights, ys, strict=True)),
        )


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_node_has_a_box_pale_where_it_is_outside(name: str):
    circuit, boxes = model_of(name).circuit, node_boxes(page_of(name))
    assert set(boxes) == {*circuit.names.sources, "logits"}
    inside = {node for node, box in boxes.items() if box.stroke == INK}
    assert inside == {*circuit.nodes, "logits"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_two_nodes_overlap(name: str):
    for a, b in itertools.combinations(node_boxes(page_of(name)).values(), 2):
        beside = a.x + a.width <= b.x or b.x + b.width <= a.x
        above = a.y + a.height <= b.y or b.y + b.height <= a.y
        assert beside or above, (a.title, b.title)


@pytest.mark.parametrize("name", PROGRAMS)
def test_everything_is_on_the_page(name: str):
    page = page_of(name)
    for shape in page.shapes:
        match shape:
            case Text():
                left, right = span(shape)
                top, low = shape.y - shape.size, shape.y
            case Box():
                left, right = shape.x, shape.x + shape.width
                top, low = shape.y, shape.y + shape.height
            case CurvedLine():
                left, right = sorted((shape.x0, shape.x1))
                top, low = sorted((shape.y0, shape.y1))
        # The page's own sizes are rounded to a tenth.
        assert 0 <= left <= right <= page.width + 0.1, shape
        assert 0 <= top <= low <= page.height + 0.1, shape


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_text_of_a_node_stays_in_its_box(name: str):
    page = page_of(name)
    boxes = node_boxes(page)
    for text in (s for s in page.shapes if isinstance(s, Text)):
        around = [
            box
            for box in boxes.values()
            if box.x <= text.x <= box.x + box.width
            and box.y <= text.y <= box.y + box.height
        ]
        for box in around:
            left, right = span(text)
            assert box.x <= left, (text, box)
            assert right <= box.x + box.width + 1e-6, (text, box)


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_two_texts_overlap(name: str):
    texts = [s for s in page_of(name).shapes if isinstance(s, Text)]
    for a, b in itertools.combinations(texts, 2):
        (left, right), (start, end) = span(a), span(b)
        beside = right <= start or end <= left
        above = a.y <= b.y - 0.8 * b.size or b.y <= a.y - 0.8 * a.size
        assert beside or above, (a.text, b.text)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_edge_is_drawn_once_and_ends_at_its_reader(name: str):
    circuit, page = model_of(name).circuit, page_of(name)
    boxes = node_boxes(page)
    drawn = {line.title.split()[0]: line for line in edges_of(page)}
    assert len(edges_of(page)) == len(circuit.edges)
    assert set(drawn) == set(map(str, circuit.edges))
    for edge in circuit.edges:
        line, box = drawn[str(edge)], boxes[circuit.names.node_of(edge.reader)]
        assert box.x < line.x1 < box.x + box.width
        assert line.y1 == pytest.approx(box.y + box.height)
        assert line.title.endswith(", ".join(circuit.carries[edge]))


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_line_runs_through_a_node(name: str):
    page, edge = page_of(name), 1.0
    boxes = node_boxes(page).values()
    for curve in (s for s in page.shapes if isinstance(s, CurvedLine)):
        for x, y in points(curve):
            for box in boxes:
                beside = not box.x + edge < x < box.x + box.width - edge
                above = not box.y + edge < y < box.y + box.height - edge
                assert beside or above, (curve.title, box.title)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_svg_is_xml_with_an_arrow_an_edge(name: str):
    model, page = model_of(name), page_of(name)
    root = ElementTree.fromstring(to_svg(page))
    assert root.tag == f"{SVG}svg"
    size = (float(root.attrib["width"]), float(root.attrib["height"]))
    assert size == (page.width, page.height)
    arrows = [p for p in root.iter(f"{SVG}path") if p.attrib["fill"] != "none"]
    assert len(arrows) == len(model.circuit.edges)
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert texts == [s.text for s in page.shapes if isinstance(s, Text)]


def test_the_same_model_gives_the_same_svg():
    assert to_svg(zoo.compile("reverse").picture().page) == to_svg(page_of("reverse"))


def test_names_are_escaped_in_svg():
    page = Page(10.0, 10.0, (Text(1.0, 9.0, 'a<b & "c"', 3.0, "#000"),), "<&>")
    root = ElementTree.fromstring(to_svg(page))
    assert root.findtext(f"{SVG}title") == "<&>"
    assert root.findtext(f"{SVG}text") == 'a<b & "c"'


@pytest.mark.parametrize("suffix", [".svg", ".SVG"])
def test_the_svg_file_holds_the_svg(tmp_path: Path, suffix: str):
    path = tmp_path / f"r{suffix}"
    model_of("reverse").picture().save(path)
    assert path.read_text(encoding="utf-8") == to_svg(page_of("reverse"))


def test_the_png_has_the_size_of_the_page(tmp_path: Path):
    model_of("reverse").picture().save(tmp_path / "r.png")
    head = (tmp_path / "r.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    page = page_of("reverse")
    width, height = struct.unpack(">II", head[16:24])
    assert width == pytest.approx(2.5 * page.width, abs=1)
    assert height == pytest.approx(2.5 * page.height, abs=1)


@pytest.mark.parametrize("name", ["r.pdf", "r", "svg", ".svg"])
def test_another_format_is_refused_and_nothing_is_written(tmp_path: Path, name: str):
    with pytest.raises(InputError, match=r"Give a name that ends in \.svg or \.png"):
        model_of("reverse").picture().save(tmp_path / name)
    assert not list(tmp_path.iterdir())
