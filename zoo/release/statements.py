"""What a certificate says, as far as it follows without running the audit.

Every figure is a count of the audit. What is checked here is what the counts imply
(shares, intervals, statuses, claims), which edges, nodes and variables there must be,
how many inputs and pairs, and the witnesses: each is run again under its patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from compiler.errors import ZooError
from compiler.lower.readout import decode_logits
from compiler.machine.names import Edge
from compiler.machine.patch import edge_mask
from compiler.model import Model
from zoo.auditing.adversary import masks_of
from zoo.auditing.certificate import (
    Certificate,
    EdgeFinding,
    Rate,
    Witness,
    claims_from,
    rate,
    status_of,
)
from zoo.auditing.contrasts import KINDS, PUBLISHED
from zoo.auditing.reported import reported_margins
from zoo.auditing.subject import Subject
from zoo.auditing.thorough import ALL
from zoo.auditing.thorough_agreement import is_near_margin, thorough_rates
from zoo.causal.outputs import CLOSE
from zoo.causal.pairs import MOST_INPUTS
from zoo.release.differences import Difference, shown
from zoo.release.fields import CERTIFICATE
from zoo.release.runs import clean_logits, patched_logits

TIE = 0.02
"""Two logits nearer to each other than this part of the largest count as tied.

Under a patch a compiled model often sees one half of each of two values, and its logits
are the same but for rounding, which differs from processor to processor.
"""


def statement_differences(
    model: Model, subject: Subject, certificate: Certificate
) -> Iterator[Difference]:
    """Yield what a certificate says that cannot be so.

    Args:
        model: the release's.
        subject: what the audit holds it to.
        certificate: what the release says that the audit found.
    """
    yield from _about(subject, certificate)
    yield from _parts(subject, certificate)
    yield from _rates(certificate)
    yield from _statuses(certificate)
    yield from _uses(certificate)
    yield from _witnesses(model, certificate)
    yield from _thorough(subject, certificate)


def _difference(place: str, found: Any, expected: Any) -> Difference:
    return Difference(CERTIFICATE, place, shown(found), shown(expected))


def _equal(place: str, found: Any, expected: Any) -> Iterator[Difference]:
    if found != expected:
        yield _difference(place, found, expected)


def _about(subject: Subject, c: Certificate) -> Iterator[Difference]:
    """Yield what is wrong of the model, the inputs and the pairs."""
    yield from _equal("model", c.model, subject.name)
    if not 0 <= c.seed < 2**63:
        yield _difference("seed", c.seed, "a seed of at least 0")
        return
    ids, complete = subject.causal.inputs(MOST_INPUTS, c.seed)
    yield from _equal("inputs", c.inputs, len(ids))
    yield from _equal("all_inputs", c.all_inputs, complete)
    every = len(ids) ** 2
    yield from _equal("all_pairs", c.all_pairs, every <= c.pairs)
    if every < c.pairs:
        yield _difference("pairs", c.pairs, every)


def _parts(subject: Subject, c: Certificate) -> Iterator[Difference]:
    """Yield edges, nodes and variables that are missing, or that there are not."""
    names = subject.config.names
    outside = [
        str(Edge(names.sources[s], names.readers[r]))
        for r, s in np.argwhere(subject.outside)
    ]
    for place, found, expected in (
        ("interchange", c.interchange, [g.name for g in subject.groups]),
        ("nodes", c.nodes, [names.sources[n] for n in subject.others]),
        ("edges", c.edges, outside),
        ("effects", c.effects, outside),
    ):
        if missing := sorted(set(expected) - set(found)):
            yield _difference(place, f"no figure for {missing[0]}", "a figure")
        if more := sorted(set(found) - set(expected)):
            yield _difference(place, more[0], "only parts of the model")
    rows = zip_longest(c.circuit, subject.circuit.edges)
    for number, (finding, edge) in enumerate(rows):
        place = f"circuit[{number}]"
        if finding is None or edge is None:
            pair = [None if finding is None else finding.edge, str(edge)]
            yield _difference(place, *pair)
            continue
        yield from _equal(f"{place}, edge", finding.edge, str(edge))
        carried = subject.circuit.carries.get(edge, ())
        yield from _equal(f"{place}, carries", finding.carries, carried)


def _rates(c: Certificate) -> Iterator[Difference]:
    """Yield shares that are none, and intervals that are not those of their counts."""
    places: dict[str, Rate] = {"behaviour": c.behaviour, "all_edges": c.all_edges}
    for name in ("interchange", "nodes", "edges", "effects"):
        some: Mapping[str, Rate] = getattr(c, name)
        places |= {f"{name}, {key}": found for key, found in some.items()}
    for number, finding in enumerate(c.circuit):
        places[f"circuit[{number}], effect"] = finding.effect
        places[f"circuit[{number}], restored"] = finding.restored
    if c.thorough is not None:
        places |= dict(thorough_rates(c.thorough))
    if c.proof is not None:
        for name in ("edges", "nodes"):
            some = getattr(c.proof, name)
            places |= {f"proof, {name}, {key}": found for key, found in some.items()}
    for place, found in places.items():
        counts = found.hits, found.ties, found.close
        if min(counts) < 0 or found.hits + found.ties > found.total:
            wording = f"{found.hits} of {found.total}"
            yield _difference(f"{place}, hits", wording, "a count from 0 to the total")
            continue
        right = rate(found.hits, found.total, found.ties, found.close)
        for end in ("low", "high"):
            said, expected = getattr(found, end), getattr(right, end)
            if abs(said - expected) > 1e-8:
                yield _difference(f"{place}, {end}", said, expected)
    for edge in sorted(set(c.edges) & set(c.effects)):
        totals = c.effects[edge].total, c.edges[edge].total
        yield from _equal(f"effects, {edge}, total", *totals)


def _statuses(c: Certificate) -> Iterator[Difference]:
    """Yield statuses and claims that the figures beside them do not give."""
    for number, finding in enumerate(c.circuit):
        used = status_of(finding.effect, c.effects)
        if finding.status != used and finding.status != "undetectable":
            yield _difference(f"circuit[{number}], status", finding.status, used)
        if finding.status == "undetectable" and finding.effect.hits:
            yield _difference(f"circuit[{number}], status", finding.status, used)
        changed, place = finding.effect.hits > 0, f"circuit[{number}], witness"
        if changed != (finding.witness is not None):
            there = "one" if changed else "none, since no output changed"
            yield _difference(place, "one" if finding.witness else "none", there)


def _uses(c: Certificate) -> Iterator[Difference]:
    """Yield how edges are said to be used where the lists of circuits do not say so."""
    if c.circuits is None:
        return
    lists = c.circuits.lists
    for finding in c.circuit:
        place = f"circuits, uses, {finding.edge}"
        use = c.circuits.uses.get(finding.edge)
        if (use is None) != (finding.status == "undetectable"):
            wanted = "nothing" if use is not None else "how it is used"
            yield _difference(place, "nothing" if use is None else use.kind, wanted)
            continue
        if use is None:
            continue
        alone = finding.status == "used"
        within = next((n for n in lists if finding.edge in lists[n].union), None)
        if alone or use.kind == "alone":
            yield from _equal(place, use.kind, "alone" if alone else "another kind")
        elif within is not None or use.kind == "in a minimal circuit":
            yield from _equal(f"{place}, ablation", use.ablation, within)
            listed = "another kind" if within is None else "in a minimal circuit"
            yield from _equal(place, use.kind, listed)


def claim_differences(c: Certificate, least: Mapping[str, float]) -> list[Difference]:
    """Return which claims are not what the figures of a certificate give.

    A claim that fails is no difference: a release may be published with it, and its
    card says so.

    Args:
        c: the certificate.
        least: what each claim has to reach, by name.
    """
    found = []
    expected = claims_from(c, least)
    for number, (said, right) in enumerate(zip_longest(c.claims, expected)):
        for key in ("name", "worst", "found", "at_least"):
            pair = [None if x is None else getattr(x, key) for x in (said, right)]
            found += _equal(f"claims[{number}], {key}", *pair)
    return found


def _thorough(subject: Subject, c: Certificate) -> Iterator[Difference]:
    """Yield what the thorough part says that cannot be so."""
    if c.thorough is None:
        return
    said, targets = c.thorough, set(masks_of(subject))
    yield from _equal("thorough, seed", said.seed, c.seed)
    every = sorted(targets | ({ALL} if subject.outside.any() else set()))
    for kind in (*KINDS, PUBLISHED):
        if kind in said.contrasts or kind in KINDS:
            found = sorted(said.contrasts.get(kind, {}))
            yield from _equal(f"thorough, contrasts, {kind}", found, every)
    yield from _equal("thorough, breaks", sorted(said.breaks), sorted(targets))
    for name, margin in thorough_margins(subject, c).items():
        report = said.whole if name == ALL else said.breaks[name]
        place = f"thorough, breaks, {name}"
        if report is None or margin is None:
            yield _difference(place, "a pair that cannot be run so", "a pair of inputs")
        elif not is_near_margin(margin, report.margin):
            yield _difference(f"{place}, margin", report.margin, float(f"{margin:.3g}"))


def thorough_margins(subject: Subject, c: Certificate) -> dict[str, float | None]:
    """Return by target the margin of the pair that a search reported, measured here.

    Empty where the certificate has no thorough part.
    """
    if c.thorough is None:
        return {}
    masks, reports = masks_of(subject), dict(c.thorough.breaks)
    if c.thorough.whole is not None:
        reports[ALL] = c.thorough.whole
    return reported_margins(subject, reports, {**masks, ALL: subject.outside})


# Witnesses ------------------------------------------------------------------------


def _witnesses(model: Model, c: Certificate) -> Iterator[Difference]:
    """Yield witnesses whose outputs are not those of the model."""
    usable: list[tuple[str, EdgeFinding, Witness]] = []
    known = set(map(str, model.config.names.edges))
    for number, finding in enumerate(c.circuit):
        if finding.witness is None or finding.edge not in known:
            continue
        place = f"circuit[{number}], witness"
        problems = list(_malformed(model, place, finding.witness))
        yield from problems
        if not problems:
            usable.append((place, finding, finding.witness))
    if not usable:
        return
    for (place, _, witness), logits in zip(usable, _run(model, usable), strict=True):
        for key, stated, row in zip(
            ("before", "after"), (witness.before, witness.after), logits, strict=True
        ):
            live = row[1 : len(witness.base) + 1]
            if not _agree(model, stated, live):
                right = decode_logits(model.readout, live)
                yield _difference(f"{place}, {key}", list(stated), right)


def _malformed(model: Model, place: str, witness: Witness) -> Iterator[Difference]:
    """Yield why a witness cannot be run."""
    for key, tokens in (("base", witness.base), ("source", witness.donor)):
        try:
            model.encode(list(tokens))
        except ZooError as error:
            wording = str(error).partition("\n")[0]
            yield _difference(
                f"{place}, {key}", list(tokens), f"a valid input ({wording})"
            )
    size = len(witness.base)
    if not 0 <= witness.shift < max(model.config.n_ctx - 1, 1):
        yield _difference(f"{place}, turn", witness.shift, "a smaller shift")
    for key in ("before", "after"):
        if len(getattr(witness, key)) != size:
            count = len(getattr(witness, key))
            yield _difference(f"{place}, {key}", f"{count} outputs", f"{size}")
            return
    if not 0 <= witness.position < size:
        yield _difference(f"{place}, position", witness.position, f"below {size}")
    elif witness.before[witness.position] == witness.after[witness.position]:
        wording = f"{witness.position}, where the output stays"
        yield _difference(
            f"{place}, position", wording, "a position whose output changes"
        )


def _run(model: Model, found: Sequence[tuple[str, EdgeFinding, Witness]]) -> np.ndarray:
    """Return logits [witness, before or after, ctx, class], each under its patch."""
    names = model.config.names
    base, donor = (
        model.encode_batch([list(getattr(w, name)) for _, _, w in found])
        for name in ("base", "donor")
    )
    shifts = np.array([w.shift for _, _, w in found], np.int32)
    masks = np.stack([edge_mask(names, [finding.edge]) for _, finding, _ in found])
    clean = clean_logits(model, base)
    patched = patched_logits(model, base, donor, shifts, masks)
    return np.stack([clean, patched], axis=1)


def _agree(model: Model, stated: Sequence[Any], logits: np.ndarray) -> bool:
    """Return whether outputs are those of logits; where two tie, either will do."""
    right = decode_logits(model.readout, logits)
    if model.readout.kind != "classes":
        real = model.readout.numbers[~np.isnan(model.readout.numbers)]
        near = CLOSE * max(float(np.ptp(real)), 1e-6)
        return all(_close(a, b, near) for a, b in zip(stated, right, strict=True))
    values = list(model.readout.values)
    for said, row, best in zip(stated, logits, right, strict=True):
        if said == best and type(said) is type(best):
            continue
        slack = TIE * np.abs(row).max()
        if said not in values or row[values.index(said)] < row.max() - slack:
            return False
    return True


def _close(said: Any, found: Any, near: float) -> bool:
    if said is None or found is None:
        return said is found
    return isinstance(said, int | float) and abs(float(said) - float(found)) <= near
