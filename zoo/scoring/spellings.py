"""How other tools spell edges: tables made by formatting, for one architecture.

    ours          tokens->a0.h1<q>    m0->a1.h0<k>    a1.h0->logits
    EAP-IG, MIB   input->a0.h1<q>     the rest as ours
    auto-circuit  Resid Start->A0.1.Q     MLP 0->A1.0.K     A1.0->Resid End
    ACDC          ((reader's hook, index), (source's hook, index))

Nothing is parsed: a name that is in no table is unknown.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from compiler.machine.names import ARROW, INPUT, Hook, Names
from zoo.cases.levels import Level, levels

Spelling = Mapping[Hashable, str]
"""From a spelling to the name of an item."""


def dialects(names: Names) -> list[tuple[str, Level, Spelling]]:
    """Return (tool, level, its spellings) of every way to name items, finest first."""
    found: list[tuple[str, Level, Spelling]] = []
    for level in levels(names):
        found.append(("names", level, {item: item for item in level.items}))
        if level.merged and level.kind == "qkv":
            table: Spelling = {
                text: str(edge) for edge, text in names.auto_circuit.items()
            }
            found.append(("auto-circuit", level, table))
    for merged in (False, True):
        level = Level(names, "qkv", merged)
        found.append(("ACDC", level, _acdc(level)))
    return found


def _acdc(level: Level) -> Spelling:
    names = level.names
    hooks = {n: _hook(names.source_hook(n)) for n in names.sources}
    hooks[INPUT] = ("blocks.0.hook_resid_pre", None)
    return {
        (_hook(names.reader_hook(reader)), hooks[source]): item
        for item in level.items
        for source, _, reader in [item.partition(ARROW)]
    }


def _hook(hook: Hook) -> tuple[str, int | None]:
    return hook.name, hook.head
