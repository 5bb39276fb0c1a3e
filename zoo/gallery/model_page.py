"""The page of one model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compiler.rasp.values import Value
from zoo.gallery.attention import attention_section
from zoo.gallery.circuit import ShownCircuit, circuit_section
from zoo.gallery.claims import certificate_section
from zoo.gallery.entries import Entry
from zoo.gallery.markup import Content, Markup, inline_code, page, tag
from zoo.gallery.overview import chips
from zoo.gallery.program import program_section
from zoo.gallery.recordings import Attention, Degrees
from zoo.release.released import Pair, Released

_NORMS = {"none": "no norm", "pre": "LayerNorm in front", "rms": "RMSNorm in front"}


def model_page(
    model: Released,
    entry: Entry,
    examples: Sequence[Sequence[Value]],
    pairs: Sequence[Pair],
    degrees: Sequence[Degrees],
    attention: Sequence[Attention],
    in_turn: Sequence[ShownCircuit],
    sections: Iterable[tuple[str, str]],
    origin: str | None,
) -> bytes:
    """Return the page of a release.

    Args:
        model: the release.
        entry: what the list says of it.
        examples: recorded inputs, at least one; the first is shown at first.
        pairs: recorded inputs and outputs.
        degrees: witnesses with their edge patched by degrees; may be empty.
        attention: recorded patterns; may be empty.
        in_turn: its circuits, where there are several.
        sections: (name, address) of the links in the header.
        origin: the address of an index that has the release, for the snippets.
    """
    return page(
        f"{entry.name}: circuitzoo",
        _heading(entry),
        _contents(bool(attention)),
        program_section(model, examples, pairs),
        circuit_section(model, model.certificate, degrees, in_turn),
        attention_section(model, attention),
        _source(model),
        certificate_section(model.certificate),
        _loading(model, entry, examples[0], origin),
        _facts(model, entry),
        root="../",
        scripts=("interpreter.js", "program.js", "circuit.js", "page.js"),
        sections=sections,
        description=entry.meaning,
    )


def _heading(entry: Entry) -> Markup:
    return tag(
        "div",
        tag("p", tag("a", "All models", href="../index.html"), class_="crumbs"),
        tag("h1", entry.name, class_="name"),
        tag("p", inline_code(entry.meaning), class_="meaning"),
        tag("ul", [tag("li", c, class_=k) for c, k in chips(entry)], class_="chips"),
        class_="hero model-hero",
    )


def _contents(attention: bool) -> Markup:
    parts = [
        ("What it computes", "computes"),
        ("Circuit", "circuit"),
        *([("Attention", "attention")] if attention else []),
        ("Program", "source"),
        ("Certificate", "certificate"),
        ("Load it", "load"),
        ("Facts", "facts"),
    ]
    links = [tag("a", title, href=f"#{name}") for title, name in parts]
    return tag("nav", links, class_="contents", aria_label="On this page")


def _source(model: Released) -> Markup:
    text = str(model.facts.get("source", "")).strip()
    if not text:
        text = "\n".join(variable.text for variable in model.typed.variables)
    return tag(
        "section",
        tag("h2", "Program"),
        tag(
            "p",
            "The text of the program as its author wrote it. Nothing runs it: the page "
            "computes from tables of the release.",
            class_="lead",
        ),
        _snippet(text),
        id="source",
    )


def _snippet(text: str) -> Markup:
    button = tag(
        "button", "Copy", type="button", class_="copy needs-script", hidden=True
    )
    code = tag("pre", tag("code", text), tabindex="0")
    return tag("div", button, code, class_="snippet")


def _loading(
    model: Released, entry: Entry, example: Sequence[Value], origin: str | None
) -> Markup:
    given = repr([_plain(token) for token in example])
    command = f"zoo download {entry.name}"
    command += f" --from {origin}" if origin else ""
    python = (
        f'import zoo\n\nmodel = zoo.load("{entry.name}")\nmodel({given})\n'
        "model.circuit.edges\nmodel.certificate"
    )
    checks = f"zoo card {entry.name}\nzoo verify {entry.name} --quick"
    size = sum((model.folder.path / n).stat().st_size for n in model.folder.sums)
    return tag(
        "section",
        tag("h2", "Load it"),
        tag("h3", "Download"),
        tag("p", f"{len(model.folder.sums)} files, {size / 1024:,.0f} KiB."),
        _snippet(command),
        tag("h3", "In Python"),
        _snippet(python),
        tag("h3", "Read its card, and check every file again"),
        _snippet(checks),
        id="load",
    )


def _plain(token: Value) -> Value | str:
    return token if isinstance(token, str | int) else str(token)


def _facts(model: Released, entry: Entry) -> Markup:
    config = model.config
    rows: list[tuple[str, Content]] = [
        ("Kind", entry.kind),
        ("Architecture", entry.architecture or "none of Hugging Face transformers"),
        ("Program", entry.program),
        ("Family", entry.family),
        ("Layers, heads a layer", f"{config.n_layers}, {config.n_heads}"),
        (
            "d_model, d_head, d_mlp",
            f"{config.d_model}, {config.d_head}, {config.d_mlp}",
        ),
        ("Parameters", f"{config.n_params:,}"),
        ("Activation", f"gated {config.act}" if config.gated else config.act),
        ("Norm", _NORMS[config.norm]),
        ("Positions", config.positions),
        ("Attends", entry.attends),
        ("Tokens", f"1 to {model.typed.max_len} of {len(model.typed.vocab)}"),
        ("Version shown", f"{entry.version} of {entry.versions}"),
        ("Licence", "Apache-2.0"),
    ]
    pairs = [tag("div", tag("dt", name), tag("dd", value)) for name, value in rows]
    return tag(
        "section", tag("h2", "Facts"), tag("dl", pairs, class_="facts"), id="facts"
    )
