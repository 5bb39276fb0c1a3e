"""Short English sentences: induction, indirect objects, and facts against the context.

    mila stone met paul reed and then mila             -> stone    induction_text
    then ada and ben went home . ben gave a key to     -> ada      indirect_object_text
    france has oslo and spain has rome ; truly france has -> paris fact_or_context

The mechanisms are those of Olsson et al. (2022), Wang et al. (2022) and, for what a
model knows against what it reads, of Yu et al. (2023): a head copies from the context,
an MLP holds the facts, and a word of the prompt chooses between the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.rasp.values import Value
from zoo.tasks.language import (
    NEXT,
    LanguageTask,
    PromptKind,
    arrangement,
    digits_of,
    next_values,
)
from zoo.tasks.rules import NO_VALUE, HeadRule, MlpRule


def _templates(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in text.strip().splitlines())


def _other_words(
    templates: Sequence[Sequence[str]], slots: Sequence[str]
) -> tuple[str, ...]:
    """Return the words of templates that are no slots, in order."""
    return tuple(sorted({w for line in templates for w in line} - set(slots)))


# A B and C D are two persons with their last names.
INDUCTION_TEMPLATES = _templates("""
    A B met C D and then
    when A B saw C D at the door
    the letter that A B sent to C D reached
    A B asked C D for help and
    it was late when A B called C D , so
""")


class InductionText(LanguageTask):
    """The causal model of last names: `mila stone met paul reed and then mila`.

    Args:
        first: first names.
        last: last names.
    """

    name = "induction_text"
    meaning = "The last name that came after a first name: `.. mila` -> `stone`."
    ends = False

    def __init__(
        self,
        first: Sequence[str] = ("mila", "paul", "nora", "hugo", "tara", "finn"),
        last: Sequence[str] = ("stone", "reed", "marsh", "field", "brook", "hill"),
    ) -> None:
        self.first, self.last = tuple(first), tuple(last)
        words = (*first, *last, *_other_words(INDUCTION_TEMPLATES, "ABCD"))
        before = HeadRule(
            name="previous_token", layer=0, values=(*words, "BOS"), distance=1
        )
        follows = HeadRule(
            name=NEXT,
            layer=1,
            values=next_values(words, self.ends),
            query=("tokens",),
            key=("previous_token",),
            selects=lambda token, previous: token in first and token == previous,
            asked=True,
        )
        longest = max(map(len, INDUCTION_TEMPLATES)) + 1
        super().__init__(words, (before, follows), longest)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the sentences by template."""
        return tuple(self._kind(template) for template in INDUCTION_TEMPLATES)

    def _kind(self, template: Sequence[str]) -> PromptKind:
        firsts, lasts = (math.perm(len(n), 2) for n in (self.first, self.last))

        def make(number: int) -> list[str]:
            which, order, other = digits_of(number, 2, firsts, lasts)
            a, c = arrangement(order, self.first, 2)
            b, d = arrangement(other, self.last, 2)
            words = {"A": a, "B": b, "C": c, "D": d}
            return [*(words.get(word, word) for word in template), (a, c)[which]]

        return PromptKind(2 * firsts * lasts, make)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the word after the same first name."""
        return [prompt[prompt.index(prompt[-1]) + 1]]


NAMES = ("ada", "ben", "cora", "dan", "ella", "finn", "gus", "hana")
# A and B are the two names, S the one of them that comes again.
OBJECT_TEMPLATES = _templates("""
    then A and B went home . S gave a key to
    when A and B met , S handed a book to
    after A and B had a long talk , S wrote to
    A and B had lunch . later S sent a cake to
    A saw B at the door and S gave a book to
""")


class IndirectObjectText(LanguageTask):
    """The causal model of indirect objects, as Wang et al. (2022) found it in GPT-2.

    A duplicate-token head sees that a name comes again (`repeated_name`), an
    S-inhibition head moves this name to the end (`subject`), and a name mover takes
    the name that is not the subject.

    Args:
        names: the names.
    """

    name = "indirect_object_text"
    meaning = "Who was given it: `.. ada and ben .. ben gave a key to` -> `ada`."
    ends = False

    def __init__(
        self,
        names: Sequence[str] = NAMES,
    ) -> None:
        self.names = tuple(names)
        words = (*names, *_other_words(OBJECT_TEMPLATES, "ABS"))
        repeated = HeadRule(
            name="repeated_name",
            layer=0,
            values=(None, *names),
            query=("tokens",),
            key=("tokens",),
            selects=lambda token, key: token == key and token in names,
            earlier=True,
            default=None,
        )
        subject = HeadRule(
            name="subject",
            layer=1,
            values=(None, *names),
            moves="repeated_name",
            key=("repeated_name",),
            selects=lambda name: name is not None,
            default=None,
            asked=True,
        )
        follows = HeadRule(
            name=NEXT,
            layer=2,
            values=next_values(words, self.ends),
            query=("subject",),
            key=("tokens",),
            selects=lambda subject, key: (
                subject is not None and key in names and key != subject
            ),
            asked=True,
        )
        longest = max(map(len, OBJECT_TEMPLATES))
        super().__init__(words, (repeated, subject, follows), longest)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the sentences by template."""
        return tuple(self._kind(template) for template in OBJECT_TEMPLATES)

    def _kind(self, template: Sequence[str]) -> PromptKind:
        orders = math.perm(len(self.names), 2)

        def make(number: int) -> list[str]:
            which, order = digits_of(number, 2, orders)
            pair = arrangement(order, self.names, 2)
            words = {"A": pair[0], "B": pair[1], "S": pair[which]}
            return [words.get(word, word) for word in template]

        return PromptKind(2 * orders, make)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the name that comes once."""
        said = [word for word in prompt if word in self.names]
        return [word for word in said if said.count(word) == 1]


FACTS = {
    "france": "paris",
    "italy": "rome",
    "norway": "oslo",
    "peru": "lima",
    "egypt": "cairo",
    "cuba": "havana",
}
KNOWN, TOLD = "truly", "here"


class FactOrContext(LanguageTask):
    """The causal model of facts against the context.

        france has oslo and peru has rome ; truly france has -> paris
        france has oslo and peru has rome ; here france has  -> oslo

    Some prompts begin with `now`: else positions alone would tell countries and
    capitals apart.

    Args:
        facts: by country, its capital.
    """

    name = "fact_or_context"
    meaning = "A capital, as it is known or as the prompt tells it, as a cue says."
    ends = False

    def __init__(self, facts: dict[str, str] | None = None) -> None:
        self.facts = dict(facts or FACTS)
        countries, capitals = tuple(self.facts), tuple(self.facts.values())
        words = (*countries, *capitals, KNOWN, TOLD, "now", "has", "and", ";")
        country = HeadRule(
            name="country",
            layer=0,
            values=(None, *countries),
            key=("tokens",),
            selects=lambda token: token in countries,
            latest=True,
            default=None,
        )
        cue = HeadRule(
            name="cue",
            layer=0,
            values=(KNOWN, TOLD),
            key=("tokens",),
            selects=lambda token: token in (KNOWN, TOLD),
            asked=True,
        )
        fact = MlpRule(
            name="fact",
            layer=0,
            values=capitals,
            reads=("country",),
            computes=lambda country: self.facts.get(country, NO_VALUE),
        )
        told = HeadRule(
            name="told",
            layer=1,
            values=capitals,
            query=("country",),
            key=("tokens", "country"),
            selects=lambda wanted, token, country: (
                token in capitals and wanted is not None and country == wanted
            ),
            asked=True,
        )
        follows = MlpRule(
            name=NEXT,
            layer=1,
            values=next_values(words, self.ends),
            reads=("cue", "fact", "told"),
            computes=_choose,
        )
        super().__init__(words, (country, cue, fact, told, follows), 12)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts with one and with two countries."""
        return self._kind(1), self._kind(2)

    def _kind(self, count: int) -> PromptKind:
        orders, capitals = math.perm(len(self.facts), count), list(self.facts.values())

        def make(number: int) -> list[str]:
            begins, cue, asked, order, *chosen = digits_of(
                number, 2, 2, count, orders, *[len(capitals)] * count
            )
            countries = arrangement(order, list(self.facts), count)
            pairs = zip(countries, chosen, strict=True)
            told = " and ".join(f"{c} has {capitals[k]}" for c, k in pairs)
            start = "now " if begins else ""
            asks = f"{(KNOWN, TOLD)[cue]} {countries[asked]} has"
            return f"{start}{told} ; {asks}".split()

        return PromptKind(4 * count * orders * len(capitals) ** count, make)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the capital of the last country."""
        country = prompt[-2]
        told = prompt[list(prompt).index(country) + 2]
        return [told if TOLD in prompt else self.facts[country]]


def _choose(cue: Value, fact: Value, told: Value) -> Value:
    return fact if cue == KNOWN else told
