"""The certificate of a model in its page: what is proven, checked, and sampled."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.auditing.certificate import Certificate, Claim
from zoo.auditing.proof.figures import mean_share
from zoo.gallery.markdown import to_html
from zoo.gallery.markup import Content, Markup, number, tag
from zoo.release.shown import SENTENCES, proof_shown, thorough_shown


def certificate_section(certificate: Certificate) -> Markup:
    """Return the section on what an audit found."""
    failed = [claim.name for claim in certificate.claims if not claim.holds]
    verdict = (
        f"Some claims fail: {', '.join(failed)}." if failed else "Every claim holds."
    )
    return tag(
        "section",
        tag("h2", "Certificate"),
        tag("p", verdict, class_="verdict fails" if failed else "verdict holds"),
        tag("div", list(_knowledge(certificate)), class_="known"),
        tag(
            "div",
            tag(
                "table",
                tag("caption", "The claims, each at its worst figure"),
                tag("thead", _head()),
                tag("tbody", [_row(claim) for claim in certificate.claims]),
                class_="claims",
            ),
            class_="scroll",
            tabindex="0",
        ),
        _everything(certificate),
        id="certificate",
    )


def _head() -> Markup:
    names = ("claim", "what it says", "found", "and its bar", "at least", "worst at")
    return tag("tr", [tag("th", name, scope="col") for name in names])


def _row(claim: Claim) -> Markup:
    return tag(
        "tr",
        tag("th", claim.name, scope="row"),
        tag("td", SENTENCES.get(claim.name, ""), class_="says"),
        tag("td", f"{claim.found:.4f}", class_="number"),
        tag("td", _bar(claim)),
        tag("td", f"{claim.at_least:g}", class_="number"),
        tag(
            "td", tag("code", claim.worst) if claim.found < 1 and claim.worst else None
        ),
        class_=None if claim.holds else "fails",
    )


def _bar(claim: Claim) -> Markup:
    """Return how far a figure is above .98, and the mark that it has to reach."""
    low = min(0.98, claim.at_least - 0.01, claim.found)

    def place(share: float) -> float:
        return 80 * (share - low) / (1 - low)

    mark = number(place(claim.at_least))
    return tag(
        "svg",
        tag("rect", width="80", height="8", y="2", class_="rail"),
        tag("rect", width=number(place(claim.found)), height="8", y="2", class_="fill"),
        tag("path", d=f"M{mark} 0v12", class_="mark"),
        viewBox="0 0 80 12",
        width="80",
        height="12",
        aria_hidden="true",
        class_="bar" if claim.holds else "bar fails",
    )


def _knowledge(c: Certificate) -> Iterator[Markup]:
    """Yield a card for each way of knowing: proof, all cases, samples, search."""
    whole, drawn = list(_whole(c)), list(_drawn(c))
    yield _card("Proven", "for any donor", list(_proven(c)) or [_UNPROVEN])
    yield _card("Checked case by case", "nothing left out", whole or [_NOTHING_WHOLE])
    yield _card("Sampled", "a seeded draw", drawn or [_NOTHING_DRAWN])


_UNPROVEN = (
    "Nothing: this certificate has no bounds over all donors. `zoo audit NAME --prove` "
    "computes them."
)
_NOTHING_WHOLE = "Nothing: there are too many inputs, so a sample stands for them."
_NOTHING_DRAWN = "Nothing: all inputs and all pairs were run."


def _card(title: str, subtitle: str, lines: list[str]) -> Markup:
    return tag(
        "div",
        tag("h3", title, " ", tag("small", subtitle)),
        tag("ul", [tag("li", to_html([line])) for line in lines]),
        class_="card",
    )


def _proven(c: Certificate) -> Iterator[str]:
    if c.proof is None:
        return
    bases = "all inputs" if c.proof.all_inputs else f"{c.proof.inputs:,} drawn inputs"
    yield (
        f"For {bases}, and whatever donor is patched in: the output is right and stays "
        "right. The share of positions for which that is certain, on average:"
    )
    for what, some in (("edges", c.proof.edges), ("nodes", c.proof.nodes)):
        if some:
            full = sum(one.hits == one.total for one in some.values())
            yield (
                f"{what} outside the circuit, one at a time: "
                f"{mean_share(some.values()):.4f}; {full} of {len(some)} in full."
            )


def _whole(c: Certificate) -> Iterator[str]:
    full = c.thorough.behaviour if c.thorough is not None else None
    if full is not None and full.all_inputs:
        wrong = full.wrong_inputs
        yield f"The output, on all {full.inputs:,} inputs: wrong for {wrong:,} of them."
    elif c.all_inputs:
        yield (
            f"The output, on all {c.inputs:,} inputs: {c.behaviour.share:.6f} of "
            "outputs are right."
        )
    if c.all_pairs:
        yield f"Every patch, on all {c.pairs:,} pairs of inputs."


def _drawn(c: Certificate) -> Iterator[str]:
    full = c.thorough.behaviour if c.thorough is not None else None
    if full is not None and not full.all_inputs:
        wrong = full.wrong_inputs
        yield (
            f"The output, on {full.inputs:,} inputs with structured ones among them: "
            f"wrong for {wrong:,}."
        )
    elif full is None and not c.all_inputs:
        yield (
            f"The output, on {c.inputs:,} inputs: {c.behaviour.share:.6f} of outputs "
            "are right."
        )
    if not c.all_pairs:
        yield f"Every patch, on {c.pairs:,} pairs of inputs, seed {c.seed}."
    if c.thorough is not None:
        found = c.thorough
        tries = max((b.tries for b in found.breaks.values()), default=0)
        yield (
            f"A search for a pair that breaks an output: up to {tries:,} pairs for "
            f"each of {len(found.breaks):,} nodes and edges outside; it broke "
            f"{len(found.broken):,}."
        )
        kinds = ", ".join(found.contrasts)
        yield f"Pairs of several kinds, everything outside patched: {kinds}."


def _everything(c: Certificate) -> Content:
    parts = [
        *(thorough_shown(c.thorough) if c.thorough is not None else ()),
        *(proof_shown(c.proof) if c.proof is not None else ()),
    ]
    if not parts:
        return None
    return tag(
        "details",
        tag("summary", "Everything that the audit found"),
        tag("div", to_html(parts), class_="prose"),
    )
