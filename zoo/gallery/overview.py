"""The first page of a gallery: its releases, to be filtered and sorted.

The page holds the first releases as cards, and more pages hold the rest for readers
without scripts. With scripts, the list is drawn from `assets/models.js`, which has a
row for each release.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo.gallery.entries import Entry
from zoo.gallery.markup import Content, Markup, inline_code, page, tag

CARDS = 48
"""Releases of a page; `list.js` shows as many at first."""

SECTION = tuple[str, str]

FILTERS = (
    ("kind", "Kind"),
    ("family", "Family"),
    ("task", "Task"),
    ("output", "Output"),
    ("layers", "Layers"),
    ("size", "Parameters"),
    ("nodes", "Circuit nodes"),
    ("norm", "Norm"),
    ("architecture", "Architecture"),
    ("attends", "Attention"),
    ("certificate", "Certificate"),
)
"""The menus of the list, by the name that `list.js` knows each by."""

ORDERS = (
    ("-nodes", "Circuit nodes, most first"),
    ("nodes", "Circuit nodes, fewest first"),
    ("name", "Name"),
    ("parameters", "Parameters, fewest first"),
    ("-parameters", "Parameters, most first"),
    ("-layers", "Layers, most first"),
    ("-least", "Certificate, best first"),
    ("least", "Certificate, worst first"),
)


def overview_pages(
    entries: Sequence[Entry],
    sections: Iterable[SECTION] = (("Models", "index.html"),),
    broken: Sequence[str] = (),
) -> dict[str, bytes]:
    """Return the pages that list releases, by file.

    Args:
        entries: the releases, in any order; the largest circuits come first.
        sections: (name, address) of the links in the header.
        broken: folders that are meant to be releases and are none.
    """
    entries = sorted(entries, key=lambda e: (-e.nodes, e.name))
    starts = range(0, max(len(entries), 1), CARDS)
    files = [_file(place) for place in range(len(starts))]
    found = {}
    for place, start in enumerate(starts):
        cards = [card(entry) for entry in entries[start : start + CARDS]]
        found[files[place]] = page(
            "circuitzoo: transformers whose circuits are known",
            _hero(entries) if place == 0 else None,
            _controls(entries) if place == 0 else None,
            tag("div", cards, id="cards", class_="cards"),
            _more(files, place),
            _broken(broken) if place == 0 else None,
            scripts=("models.js", "list.js") if place == 0 else (),
            here="index.html",
            sections=sections,
            description="Transformers with known circuits, each with its program, its "
            "circuit and a certificate.",
        )
    return found


def _file(place: int) -> str:
    return "index.html" if place == 0 else f"models-{place + 1}.html"


def _hero(entries: Sequence[Entry]) -> Markup:
    proven = sum(entry.proven for entry in entries)
    audited = sum(entry.audit == "full" for entry in entries)
    figures = (
        (f"{len(entries):,}", "models"),
        (f"{len({e.program for e in entries}):,}", "programs"),
        (f"{sum(e.edges for e in entries):,}", "circuit edges, each measured"),
        (f"{audited:,}", "audited in full"),
        (f"{proven:,}", "with proven bounds"),
    )
    return tag(
        "div",
        tag("h1", "Transformers whose circuits are known"),
        tag(
            "p",
            "Each model computes a program, and comes with the circuit that does it: "
            "which head and MLP holds which variable, which edges carry it, and a "
            "certificate with a measurement of every edge. Use them to test methods "
            "that look for circuits.",
        ),
        tag(
            "dl",
            [tag("div", tag("dt", word), tag("dd", value)) for value, word in figures],
            class_="figures",
        ),
        class_="hero",
    )


def _controls(entries: Sequence[Entry]) -> Markup:
    """Return the search field and the menus; `list.js` fills them."""
    menus = [
        tag(
            "div",
            tag("label", title, for_=f"filter-{name}"),
            tag("select", tag("option", "any", value=""), id=f"filter-{name}"),
        )
        for name, title in FILTERS
    ]
    orders = [tag("option", title, value=name) for name, title in ORDERS]
    return tag(
        "form",
        tag(
            "div",
            tag("label", "Search", for_="search"),
            tag("input", type="search", id="search", autocomplete="off"),
            class_="search",
        ),
        tag(
            "details",
            tag("summary", "Filters"),
            tag("div", menus, class_="menus"),
            id="menus",
        ),
        tag(
            "div",
            tag("label", "Sort by", for_="order"),
            tag("select", orders, id="order"),
            class_="order",
        ),
        tag(
            "div",
            tag("p", f"{len(entries):,} models", id="found", role="status"),
            tag("button", "Clear all", type="reset", id="clear"),
            class_="results",
        ),
        id="filters",
        role="search",
        aria_label="Filter the models",
        class_="needs-script",
        hidden=True,
    )


def card(entry: Entry) -> Markup:
    """Return the card of a release; `list.js` makes the same."""
    return tag(
        "article",
        tag(
            "a",
            tag(
                "img",
                src=entry.picture,
                alt="",
                width="220",
                height="124",
                loading="lazy",
            ),
            tag("h2", entry.name),
            tag("p", inline_code(entry.meaning), class_="meaning"),
            href=entry.page,
        ),
        tag("ul", [tag("li", c, class_=k) for c, k in chips(entry)], class_="chips"),
        class_="model",
    )


def chips(entry: Entry) -> list[tuple[str, str | None]]:
    """Return the short facts below a release's name, each with a class."""
    nodes = f"{entry.nodes} node{'s' * (entry.nodes != 1)}"
    fails = [(f"fails: {', '.join(entry.fails)}", "fails")] if entry.fails else []
    return [
        (entry.kind, f"kind-{entry.kind}"),
        *([(entry.architecture, "architecture")] if entry.architecture else []),
        (entry.size, None),
        (f"{nodes}, {entry.edges} edges", None),
        *([("proven bounds", "proven")] if entry.proven else []),
        (f"{entry.audit} audit", f"audit-{entry.audit}"),
        *fails,
    ]


def _more(files: Sequence[str], here: int) -> Content:
    """Return links to the other pages of the list, for readers without scripts."""
    button = tag(
        "button",
        "Show more",
        type="button",
        id="more",
        class_="needs-script",
        hidden=True,
    )
    if len(files) == 1:
        return button
    links = [
        tag("a", str(i + 1), href=name, aria_current="page" if i == here else None)
        for i, name in enumerate(files)
    ]
    return [button, tag("nav", links, class_="pages", aria_label="Pages of the list")]


def _broken(broken: Sequence[str]) -> Content:
    if not broken:
        return None
    lines = [tag("li", line) for line in broken]
    return tag(
        "section",
        tag("h2", "Left out"),
        tag("p", "These folders are meant to be releases, and cannot be read:"),
        tag("ul", lines),
        class_="left-out",
    )
