"""The thorough part of a certificate as text, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from compiler.grid import align
from zoo.auditing.adversary import Break
from zoo.auditing.behaviour import Behaviour
from zoo.auditing.hurt import Hurt
from zoo.auditing.logit_effects import LogitEffect
from zoo.auditing.rates import Rate
from zoo.auditing.table import listed
from zoo.auditing.thorough import ALL, Thorough

_WORST = 5


def thorough_table(found: Thorough) -> list[str]:
    """Return the thorough part of a certificate as lines."""
    return [
        *_behaviour(found.behaviour),
        *_contrasts(found),
        *_adversary(found),
        *_ablations(found),
        *_logits(found),
        *_giveaways(found),
    ]


def _behaviour(found: Behaviour) -> Iterator[str]:
    some = "all there are" if found.all_inputs else "a sample and structured inputs"
    yield ""
    yield from textwrap.wrap(
        f"ALL INPUTS  right outputs on {found.inputs:,} inputs ({some}); worst first",
        80,
    )
    worst = sorted(found.strata, key=lambda n: (found.strata[n].share, n))[:_WORST]
    yield from align(
        [("all positions", *_rate(found.right))]
        + [(name, *_rate(found.strata[name])) for name in worst]
    )
    yield f"  inputs with a wrong output: {found.wrong_inputs:,}"
    if found.example is not None:
        e = found.example
        yield from _wrapped(f"{listed(e.tokens)}: {listed(e.found)}")
        yield from _wrapped(f"right: {listed(e.expected)}")
    for name, values in found.missing.items():
        yield from _wrapped(f"no input gives {name} the value {listed(values)}")


def _contrasts(found: Thorough) -> Iterator[str]:
    yield ""
    yield "KINDS OF PAIRS  right outputs kept at positions that both inputs have"
    rows = [("", "patched", "kept", "worst length", "pairs hurt")]
    for kind, some in found.contrasts.items():
        nodes = {n: h for n, h in some.items() if n != ALL and "->" not in n}
        edges = {n: h for n, h in some.items() if "->" in n}
        for group in (nodes, edges):
            if group:
                name = min(group, key=lambda n: (group[n].kept.share, n))
                rows.append((kind, name, *_hurt(group[name])))
        if ALL in some:
            rows.append((kind, "all edges outside", *_hurt(some[ALL])))
    yield from align(rows)


def _hurt(hurt: Hurt) -> tuple[str, str, str]:
    length, rate = hurt.worst_length
    return (
        f"{hurt.kept.share:.4f}",
        f"{rate.share:.4f} at {length}",
        f"{hurt.pairs.share:.4f}",
    )


def _adversary(found: Thorough) -> Iterator[str]:
    yield ""
    broken = found.broken
    order = "; the worst first" if broken else ""
    yield from textwrap.wrap(
        f"SEARCH  for a pair of inputs that breaks an output: it broke {len(broken)} "
        f"of {len(found.breaks)} nodes and edges outside{order}",
        80,
    )
    for one in broken[:_WORST]:
        yield from _break(one)
    if found.whole is not None:
        ended = "broke" if found.whole.broken else "did not break"
        yield from _wrapped(
            f"all edges outside at once and subsets of them: {found.whole.tries:,} "
            f"pairs {ended} an output"
        )
        yield from _break(found.whole)


def _break(one: Break) -> Iterator[str]:
    edges = f" ({len(one.edges)} of its edges)" if one.edges else ""
    shift = f", positions shifted by {one.shift}" if one.shift else ""
    yield from _wrapped(
        f"{one.target}{edges}: margin {one.margin:g} at position {one.position}, base "
        f"{listed(one.base)}, donor {listed(one.donor)}{shift}"
    )


def _ablations(found: Thorough) -> Iterator[str]:
    ablations = found.ablations
    yield ""
    yield "ABLATIONS  right outputs with a constant in the place of what is outside"
    rows = [("", "zeros", "mean write")]
    for name, zero in ablations.zero.items():
        rows.append((name, f"{zero.share:.4f}", f"{ablations.mean[name].share:.4f}"))
    yield from align(rows)


def _logits(found: Thorough) -> Iterator[str]:
    effects = found.logits
    yield ""
    yield "LOGITS  mean change of the lead of the first class over the second"
    rows = []
    if effects.circuit:
        name = min(effects.circuit, key=lambda n: (effects.circuit[n].gap, n))
        rows.append(_effect("weakest edge of the circuit", name, effects.circuit))
    if effects.outside:
        name = max(effects.outside, key=lambda n: (effects.outside[n].gap, n))
        rows.append(_effect("strongest edge outside", name, effects.outside))
    yield from align(rows)
    above = len(effects.above_weakest)
    yield f"  edges outside above the weakest edge of the circuit: {above}"


def _giveaways(found: Thorough) -> Iterator[str]:
    if found.giveaways is None:
        return
    yield ""
    yield from textwrap.wrap(
        "GIVEAWAYS  average precision of finding the circuit by scores that look at no "
        f"output; random scores have {found.giveaways.random:.3f}",
        80,
    )
    rows = [("", "highest first", "lowest first")]
    for name, (high, low) in found.giveaways.controls.items():
        rows.append((name, f"{high:.3f}", f"{low:.3f}"))
    yield from align(rows)


def _effect(
    what: str, name: str, effects: Mapping[str, LogitEffect]
) -> tuple[str, ...]:
    effect = effects[name]
    return what, name, f"{effect.gap:g} logits", f"KL {effect.kl:g}"


def _rate(found: Rate) -> tuple[str, str]:
    return f"{found.share:.4f}", f"{found.hits:,} of {found.total:,} positions"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent="  ", subsequent_indent="      ")
