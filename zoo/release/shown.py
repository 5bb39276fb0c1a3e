"""What an audit has shown of a model, in sentences and tables for its card."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.auditing.certificate import Certificate, Claim, Rate
from zoo.auditing.proof.figures import Proof, mean_share
from zoo.auditing.thorough import Thorough

SENTENCES = {
    "behaviour": "The output is the program's.",
    "interchange": "If a node of the circuit is set from the run of another input, the "
    "output is the program's with the variable set so.",
    "nodes": "If a node outside the circuit is set from the run of another input, the "
    "output stays right.",
    "edges": "If an edge outside the circuit is set from the run of another input, the "
    "output stays right.",
    "all edges at once": "If all edges outside the circuit are set from the run of "
    "another input at once, the output stays right.",
    "circuit edges used": "Patching an edge of the circuit changes more outputs than "
    "patching any edge outside.",
    "ablations": "If what is outside the circuit is set to zeros or to its mean write, "
    "the output stays right. (Single nodes, all nodes together, and, with the mean "
    "alone, all edges together.)",
}
"""By the name of a claim, what it says where it is true."""

SAMPLED = (
    "The audit drew pairs of inputs at random. It did not look at every input, at "
    "inputs and donors of special structure, at zeros or means in the place of what is "
    "outside the circuit, and no search tried to break a claim. `zoo audit` does all "
    "of that."
)
"""What a sampled audit leaves out."""
SAMPLED_EDGES = (
    "Every edge of the circuit patched alone, and how many outputs it changed:"
)
FULL_EDGES = (
    "Each edge of the circuit patched alone, and how many outputs it changed in the "
    "sample of pairs:"
)


def claims_shown(c: Certificate) -> list[str]:
    """Return the paragraphs of a card on what is claimed, and whether it was found."""
    failed = [claim.name for claim in c.claims if not claim.holds]
    parts = []
    if failed:
        parts.append(f"**Some claims FAIL: {', '.join(failed)}.** The figures say how.")
    rows = ["| claim | worst | found | at least |", "|---|---|---|---|"]
    rows += [_row(claim) for claim in c.claims]
    parts.append("\n".join(rows))
    if c.thorough is None:
        return [*parts, SAMPLED]
    parts.append(
        "What each claim says, as the share of positions at which it is true, in the "
        "worst group of inputs or pairs:"
    )
    said = [
        f"- *{claim.name}*: {SENTENCES[claim.name]}"
        for claim in c.claims
        if claim.name in SENTENCES
    ]
    return [*parts, "\n".join(said)]


def _row(claim: Claim) -> str:
    worst = claim.worst.replace("|", r"\|") if claim.found < 1 else ""
    found = f"{claim.found:.4f}{'' if claim.holds else ' FAILS'}"
    return f"| {claim.name} | {worst} | {found} | {claim.at_least:g} |"


def thorough_shown(found: Thorough) -> list[str]:
    """Return the paragraphs of a card on the thorough part of an audit."""
    return [
        "\n".join(_behaviour(found)),
        "Pairs of inputs of several kinds, patched with all edges outside at once: the "
        "share of right outputs that is kept at positions which both inputs have, the "
        "same at the worst number of shared tokens, and the share of pairs with any "
        "output that became wrong.",
        "\n".join(_contrasts(found)),
        "\n".join(_search(found)),
        "Constants in the place of what is outside: the share of right outputs.",
        "\n".join(_ablations(found)),
        "\n".join(_logits(found)),
        *_giveaways(found),
    ]


def _behaviour(found: Thorough) -> Iterator[str]:
    some = found.behaviour
    which = "all there are" if some.all_inputs else "a sample with structured inputs"
    name, worst = some.worst
    yield (
        f"The model was run on {some.inputs:,} inputs ({which}). It gives a wrong "
        f"output for {some.wrong_inputs:,} of them. The worst stratum is `{name}`: "
        f"{worst.share:.4f} of {worst.total:,} outputs are right."
    )
    for variable, values in some.missing.items():
        yield f"No input gives `{variable}` the values {list(values)}."


def _contrasts(found: Thorough) -> Iterator[str]:
    yield "| pairs | kept | worst length | pairs hurt |"
    yield "|---|---|---|---|"
    for kind, targets in found.contrasts.items():
        for name, hurt in targets.items():
            if name not in found.breaks:
                length, rate = hurt.worst_length
                yield (
                    f"| {kind} | {_share(hurt.kept)} | {_share(rate)} at {length} "
                    f"| {_share(hurt.pairs)} |"
                )


def _search(found: Thorough) -> Iterator[str]:
    tries = max((b.tries for b in found.breaks.values()), default=0)
    yield (
        "A search looked for a pair of inputs that breaks an output: up to "
        f"{tries:,} pairs for each of {len(found.breaks):,} nodes and edges outside. "
        f"It broke {len(found.broken):,} of them."
    )
    for one in found.broken[:3]:
        yield (
            f"With `{one.target}` patched from `{list(one.donor)}`, the output at "
            f"position {one.position} of `{list(one.base)}` is wrong by a margin of "
            f"{-one.margin:g}."
        )
    if found.whole is not None:
        whole = found.whole
        ended = "broke an output" if whole.broken else "broke none"
        yield (
            f"Over all edges outside at once, and subsets of them, a search of "
            f"{whole.tries:,} pairs {ended}; the least margin is {whole.margin:g}."
        )


def _ablations(found: Thorough) -> Iterator[str]:
    zero, mean = found.ablations.zero, found.ablations.mean
    single = [name for name in zero if name in found.breaks]
    yield "| what is outside | zeros | mean write |"
    yield "|---|---|---|"
    if single:
        worst = [min(single, key=lambda n: (some[n].share, n)) for some in (zero, mean)]
        shares = (
            f"{_share(some[name])} ({name})"
            for some, name in zip((zero, mean), worst, strict=True)
        )
        yield f"| the worst single node | {' | '.join(shares)} |"
    for name in zero:
        if name not in single:
            yield f"| {name} | {_share(zero[name])} | {_share(mean[name])} |"


def _logits(found: Thorough) -> Iterator[str]:
    effects = found.logits
    if not effects.circuit or not effects.outside:
        return
    weakest = min(effects.circuit, key=lambda n: (effects.circuit[n].gap, n))
    strongest = max(effects.outside, key=lambda n: (effects.outside[n].gap, n))
    yield (
        "By how much an edge alone moves the lead of the first class over the second, "
        f"on average: {effects.circuit[weakest].gap:g} logits for the weakest edge of "
        f"the circuit (`{weakest}`), {effects.outside[strongest].gap:g} for the "
        f"strongest one outside (`{strongest}`). {len(effects.above_weakest):,} edges "
        "outside move it more than the weakest edge of the circuit."
    )


def _giveaways(found: Thorough) -> Iterator[str]:
    if found.giveaways is None:
        return
    yield (
        "Scores that look at no output, as average precision of finding the circuit's "
        "edges, with the highest scores first and with the lowest. Random scores have "
        f"{found.giveaways.random:.3f}."
    )
    rows = ["| score | highest first | lowest first |", "|---|---|---|"]
    for name, (high, low) in found.giveaways.controls.items():
        rows.append(f"| {name} | {high:.3f} | {low:.3f} |")
    yield "\n".join(rows)


def proof_shown(found: Proof) -> list[str]:
    """Return the paragraphs of a card on what is proven."""
    bases = (
        "all inputs" if found.all_inputs else f"{found.inputs:,} inputs, drawn evenly"
    )
    rows = ["| patched | certified | in full | least certified |", "|---|---|---|---|"]
    for what, some in (("a single edge", found.edges), ("a node", found.nodes)):
        if some:
            full = sum(one.hits == one.total for one in some.values())
            worst = min(some, key=lambda n: (some[n].share, n))
            rows.append(
                f"| {what} | {mean_share(some.values()):.4f} | {full} of {len(some)} "
                f"| {_share(some[worst])} ({worst}) |"
            )
    return [
        f"What is proven, for {bases}: the share of positions at which the output is "
        "right and stays right whatever donor is patched in: any of the "
        f"{found.donors:,} inputs, with its positions shifted by 0 to "
        f"{found.shifts - 1} places. Bounds hold for all donors at once, so a position "
        "that is not certified need not be one that a donor breaks.",
        "\n".join(rows),
    ]


def _share(found: Rate) -> str:
    return f"{found.share:.4f}"
