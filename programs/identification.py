"""Indirect object identification: who was given something, in whole sentences.

The task of Wang et al. (2022), with names, templates and words of our own. The
mechanism is theirs at the level of variables: a duplicate-token head sees that a name
came before, an S-inhibition head carries that name on, a name mover takes the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compiler.rasp import (
    LT,
    Aggregate,
    Map,
    Select,
    SOp,
    indices,
    program,
    tokens,
)
from compiler.rasp.values import Value

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

FAMILY = "language/tasks"

_NAMES = """
    Ada Alan Alice Amy Anna Arthur Ben Bella Bill Bob Carl Carol Chloe Clara Colin
    Cora Dan David Dean Diana Dora Doris Earl Eddie Ella Emma Eric Erin Ethan Eva
    Felix Fiona Flora Frank Fred Gail Gary George Gina Grace Greg Hana Harry Hazel
    Helen Henry Hugo Ian Ida Iris Isaac Ivan Ivy Jack James Jane Jason Jean Joan Joe
    Julia Karen Karl Kate Kevin Kim Lara Laura Leo Lily Linda Louis Lucy Luke Marco
    Maria Mark Martin Mia Molly Nancy Neil Nina Nora Oliver Olga Oscar Owen Paul Peter
    Rachel Ralph Rita Rosa Ruth Sam Sara Simon Tina Tom Vera Victor Wendy William
"""
_PLACES = "store garden school station office park library harbour"
_THINGS = "ring book drink ball key snack letter coat"
NAMES, PLACES, THINGS = (tuple(text.split()) for text in (_NAMES, _PLACES, _THINGS))
# A and B are the two names in the order they come, S the one that comes again, or a
# third: without that a model could tell S by where it stands, whoever it is.
TEMPLATES = tuple(
    tuple(line.split())
    for line in """
    then , A and B went to the PLACE . S gave a THING to
    when A and B got a THING at the PLACE , S decided to give it to
    after A and B left the PLACE , S handed a THING to
    while A and B were working at the PLACE , S gave a THING to
    A and B had a long argument , and afterwards S said to
    friends A and B found a THING at the PLACE . S passed it to
    the PLACE A and B went to had a THING . S gave it to
    afterwards A and B walked to the PLACE , where S bought a THING for
    """.strip().splitlines()
)
_SLOTS = {"A", "B", "S", "PLACE", "THING"}
_WORDS = sorted({w for line in TEMPLATES for w in line} - _SLOTS)
VOCAB = (*NAMES, *PLACES, *THINGS, *_WORDS)
MAX_LEN = max(map(len, TEMPLATES))
_EXAMPLE = "after Ada and Bob left the park , Ada handed a key to"


# Of so many sentences one has a third name.
_THIRDS = 3


class Sentences:
    """The sentences of all templates: `A B .. A`, `A B .. B` and some `A B .. C`."""

    words = "the tokens are a sentence of one of the templates"

    def __call__(self, sentence: Sequence[Value], /) -> bool:
        """Return whether this is such a sentence."""
        return any(self._fits(sentence, template) for template in TEMPLATES)

    def _fits(self, sentence: Sequence[Value], template: Sequence[str]) -> bool:
        if len(sentence) != len(template):
            return False
        found = dict(zip(template, sentence, strict=True))
        kinds = dict.fromkeys("ABS", NAMES) | {"PLACE": PLACES, "THING": THINGS}
        fixed = [
            word == part
            for part, word in zip(template, sentence, strict=True)
            if part not in _SLOTS
        ]
        return (
            all(fixed)
            and all(found[k] in kinds[k] for k in kinds if k in found)
            and found["A"] != found["B"]
        )

    def draw(self, rng: np.random.Generator, count: int) -> list[list[Value]]:
        """Return random sentences, templates and orders evenly."""
        return [self._one(rng) for _ in range(count)]

    def _one(self, rng: np.random.Generator) -> list[Value]:
        first, second, third = rng.choice(len(NAMES), size=3, replace=False)
        known = rng.integers(_THIRDS) > 0
        words = {
            "A": NAMES[first],
            "B": NAMES[second],
            "S": NAMES[rng.choice([first, second]) if known else third],
            "PLACE": PLACES[rng.integers(len(PLACES))],
            "THING": THINGS[rng.integers(len(THINGS))],
        }
        template = TEMPLATES[rng.integers(len(TEMPLATES))]
        return [words.get(part, part) for part in template]


def is_same_name(key: Value, query: Value) -> bool:
    """Return whether both are one name: other words may come twice as well."""
    return key == query and key in NAMES


def is_other(key: Value, query: Value) -> bool:
    """Return whether the key is a name, and not the subject, which is known."""
    return key is not None and query is not None and key != query


def roles_of_names(sentence: Sequence[Value]) -> list[str | None]:
    """Return the roles of Wang et al. (2022): `IO`, `S1`, `S2` and `END`, else None.

    S1 and S2 are the name that comes twice, IO is the other one, and END is the last
    token. In a sentence with a third name only END is there.
    """
    names = [i for i, word in enumerate(sentence) if word in NAMES]
    roles: list[str | None] = [None] * len(sentence)
    twice = [i for i in names if list(sentence).count(sentence[i]) == 2]
    if len(names) == 3 and len(twice) == 2:
        for index, role in zip(twice, ("S1", "S2"), strict=True):
            roles[index] = role
        roles[next(i for i in names if i not in twice)] = "IO"
    roles[-1] = "END"
    return roles


@program(
    family=FAMILY,
    vocab=VOCAB,
    max_len=MAX_LEN,
    causal=True,
    roles=roles_of_names,
    accepts=Sentences(),
    example=(
        _EXAMPLE.split(),
        (None,) * 8 + ("Bob",) * 5,
    ),
)
def indirect_object_identification() -> SOp:
    """The name that did not come twice, once the other did.

    `indirect_object_identification(["Ada", "Bob", "Ada"]) -> [None, None, "Bob"]`
    """
    name = Map(lambda word: word if word in NAMES else None, tokens).named("name")
    before = Select(tokens, tokens, is_same_name) & Select(indices, indices, LT)
    repeated = Aggregate(before, tokens, None).named("repeated_name")
    known = Select(repeated, True, lambda key, _: key is not None)
    subject = Aggregate(known, repeated, None).named("subject")
    others = Select(name, subject, is_other)
    return Aggregate(others, name, None)
