"""Whether the thorough part of a certificate agrees with one measured here.

Counts are compared as those of the sampled part are: they are the same, or differ by no
more outputs than lie close to the border of a tie. Effects on logits agree within one
part in 500. Where a search ends depends on rounding, so its reports are not compared
with those of a search on this machine: each reported pair is run again and has to have
the margin that it says, and a search here must not break what is said to be unbroken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from zoo.auditing.adversary import Break
from zoo.auditing.behaviour import Behaviour
from zoo.auditing.giveaways import Giveaways
from zoo.auditing.hurt import Hurt
from zoo.auditing.logit_effects import LogitEffect, LogitEffects
from zoo.auditing.rates import Rate
from zoo.auditing.thorough import ALL, Thorough

Words = Mapping[str, Rate]
"""By the name of a figure, what is said of it: as stated, or as measured."""

NEAR_EFFECT = 2e-3
"""Relative difference of effects on logits that rounding may make."""
_LEAST_EFFECT = 1e-5
NEAR_PRECISION = 0.01
"""Difference of an average precision that two swapped edges may make."""
NEAR_MARGIN = 0.05
"""Difference of the margin of one pair, relative to it or absolute, that rounding may
make: margins are written with three digits."""


def thorough_rates(found: Thorough) -> Iterator[tuple[str, Rate]]:
    """Yield every share of a thorough part, under a name of its own."""
    yield "all inputs", found.behaviour.right
    for name, rate in found.behaviour.strata.items():
        yield f"all inputs, {name}", rate
    for kind, some in found.contrasts.items():
        for target, hurt in some.items():
            place = f"{kind} pairs, {target}"
            yield f"{place}, kept", hurt.kept
            yield f"{place}, pairs hurt", hurt.pairs
            for length, rate in hurt.by_length.items():
                yield f"{place}, length {length}", rate
    for way in ("zero", "mean"):
        for name, rate in getattr(found.ablations, way).items():
            yield f"{way} ablation, {name}", rate


@dataclass(frozen=True)
class Stated:
    """What a certificate states, to be put in the place of what was measured.

    Attributes:
        thorough: the stated thorough part.
        words: by figure, the stated share where it is within its tolerance.
        margins: by target, the margin of the stated pair, measured here.
    """

    thorough: Thorough
    words: Words
    margins: Mapping[str, float | None]


def in_stated_words(measured: Thorough, stated: Stated) -> Thorough:
    """Return a measured thorough part, with all that agrees as it was stated.

    It equals the stated one if all of that is right.
    """
    said = stated.thorough
    contrasts = {
        kind: {
            target: _hurt(hurt, said.contrasts.get(kind, {}).get(target), place, stated)
            for target, hurt in some.items()
            for place in (f"{kind} pairs, {target}",)
        }
        for kind, some in measured.contrasts.items()
    }
    ablations = {
        way: {
            name: stated.words.get(f"{way} ablation, {name}", rate)
            for name, rate in getattr(measured.ablations, way).items()
        }
        for way in ("zero", "mean")
    }
    whole = measured.whole
    if whole is not None:
        whole = _break(whole, said.whole, stated.margins.get(ALL))
    return replace(
        measured,
        behaviour=_behaviour(measured.behaviour, said.behaviour, stated),
        contrasts=contrasts,
        breaks={
            name: _break(own, said.breaks.get(name), stated.margins.get(name))
            for name, own in measured.breaks.items()
        },
        whole=whole,
        ablations=replace(measured.ablations, **ablations),
        logits=_logits(measured.logits, said.logits),
        giveaways=_giveaways(measured.giveaways, said.giveaways),
    )


def _behaviour(own: Behaviour, said: Behaviour, stated: Stated) -> Behaviour:
    words = stated.words
    made = replace(
        own,
        right=words.get("all inputs", own.right),
        strata={n: words.get(f"all inputs, {n}", r) for n, r in own.strata.items()},
    )
    close = own.right.close
    if close and abs(own.wrong_inputs - said.wrong_inputs) <= close:
        made = replace(made, wrong_inputs=said.wrong_inputs, example=said.example)
    return made


def _hurt(own: Hurt, said: Hurt | None, place: str, stated: Stated) -> Hurt:
    words = stated.words
    made = replace(
        own,
        kept=words.get(f"{place}, kept", own.kept),
        pairs=words.get(f"{place}, pairs hurt", own.pairs),
        by_length={
            n: words.get(f"{place}, length {n}", r) for n, r in own.by_length.items()
        },
    )
    if said is not None and own.pairs.close:
        # The first pair, and the worst length, may be among those that are close.
        made = replace(made, first=said.first)
        if len(own.by_length) == len(said.by_length) == 1:
            made = replace(made, by_length=said.by_length)
    return made


def _break(own: Break, said: Break | None, margin: float | None) -> Break:
    """Return the stated report if its pair has the margin that it says."""
    if said is None or margin is None or own.tries != said.tries:
        return own
    if own.broken and not said.broken:
        return own
    return said if is_near_margin(margin, said.margin) else own


def is_near_margin(measured: float, stated: float) -> bool:
    """Return whether a margin may be another one but for rounding."""
    return abs(measured - stated) <= NEAR_MARGIN * max(1.0, abs(stated))


def _logits(own: LogitEffects, said: LogitEffects) -> LogitEffects:
    def words(
        some: Mapping[str, LogitEffect], stated: Mapping[str, LogitEffect]
    ) -> dict[str, LogitEffect]:
        return {
            name: stated[name]
            if name in stated and _near(effect, stated[name])
            else effect
            for name, effect in some.items()
        }

    return replace(
        own,
        circuit=words(own.circuit, said.circuit),
        outside=words(own.outside, said.outside),
    )


def _giveaways(own: Giveaways | None, said: Giveaways | None) -> Giveaways | None:
    """Return the stated figures if they are near; rounding may swap two edges."""
    if own is None or said is None or own.controls.keys() != said.controls.keys():
        return own
    pairs = [(own.random, said.random)]
    for name, found in own.controls.items():
        pairs += zip(found, said.controls[name], strict=False)
    near = all(abs(a - b) <= NEAR_PRECISION for a, b in pairs)
    same = all(len(f) == len(said.controls[n]) for n, f in own.controls.items())
    return said if near and same else own


def _near(own: LogitEffect, said: LogitEffect) -> bool:
    return all(
        abs(a - b) <= NEAR_EFFECT * max(abs(a), abs(b)) + _LEAST_EFFECT
        for a, b in ((own.gap, said.gap), (own.kl, said.kl))
    )
