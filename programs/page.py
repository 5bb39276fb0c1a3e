"""The page that lists the whole library: `python -m programs.page` writes it.

A test holds `docs/library.md` to what this returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from compiler.rasp.program import Program
from programs import all_programs
from programs.facts import all_facts, known_corpora
from programs.texts import all_texts

PAGE = Path(__file__).parents[1] / "docs" / "library.md"

HEAD = """\
# The library

This page lists all {programs} programs and {texts} programs in RASP text. `python -m
programs.page` writes it from the programs and from `programs/facts.tsv`. `zoo list`
prints the same with filters, `zoo show NAME` prints one program with its circuit, and
`zoo verify --all --jobs 2` compiles every program and compares it with the interpreter.

- *tokens*: the size of the usual vocabulary; *len*: the usual greatest length.
  Both can be changed: `zoo compile NAME --vocab '["a","b"]' --max-len 6`.
- *difficulty*: 1 (each token by itself) to 5 (a loop over the sequence). *layers* and
  *heads* a layer are those of the compiled model at that vocabulary and length.
- *output*: categorical (c), numerical (n) or boolean (b). *causal*: no output depends
  on a later token.

Some programs are not for every input: one for two sets with a bar between them says
nothing about two bars. What has to hold of an input is below the table of the family.
On another input `model(x)` warns and returns what its weights give, which stands for
nothing; `zoo run` prints a note. `zoo verify`, training and audits leave such inputs
out.

Programs of difficulty 5 whose usual length is below 8 compile at 8 too, but for
`polynomial_from_sequence`, `continued_fraction` and `newton_magnetic`: there are too
many values at that length. `zoo compile NAME --max-len 8` says how many.
"""


def library_page() -> str:
    """Return the page, in Markdown."""
    every = all_programs()
    parts = [HEAD.format(programs=len(every), texts=len(all_texts()))]
    for family, members in groupby(every.values(), key=lambda p: p.family):
        parts += _family(family, list(members))
    rows = [(f"`{t.name}`", _cell(t.meaning), t.tokens, t.max_len) for t in all_texts()]
    parts += ["## RASP text\n", _table("name|meaning|>tokens|>len", rows)]
    corpora = [(name, number) for name, number in known_corpora().items()]
    note = "How many programs each has; `zoo list --corpus NAME` lists them.\n"
    parts += ["## Corpora\n", note, _table("corpus|>programs", corpora)]
    return "\n".join(parts)


def _family(name: str, members: list[Program]) -> list[str]:
    rows = []
    for program in members:
        facts = all_facts()[program.name]
        size = f"{facts.layers} x {facts.heads}"
        causal = "yes" if facts.causal else ""
        setting = len(program.vocab), program.max_len, facts.difficulty
        cells = (f"`{program.name}`", _cell(_plain(program.meaning)), *setting)
        rows.append((*cells, size, facts.output[0], causal))
    titles = "name|meaning|>tokens|>len|>difficulty|>layers x heads|output|causal"
    limited = [
        f"- `{program.name}` is for inputs of which this holds: {program.inputs}.\n"
        for program in members
        if program.inputs
    ]
    listed = ["".join(limited)] if limited else []
    return [f"## {name}\n", _table(titles, rows), *listed]


def _plain(meaning: str) -> str:
    """Return a meaning without its example, which `zoo show` prints."""
    sentence = meaning.partition(": `")[0]
    return sentence if sentence.endswith(".") else f"{sentence}."


def _table(titles: str, rows: Iterable[tuple[object, ...]]) -> str:
    """Return a table; columns whose title begins with `>` are set right."""
    names = titles.split("|")
    marks = ["--:" if name.startswith(">") else ":--" for name in names]
    heads = [name.lstrip(">") for name in names]
    lines = [heads, marks, *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(library_page(), encoding="utf-8")
