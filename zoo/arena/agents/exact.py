"""Exact patching and table reading.

1. Sources, then readers, are patched as a whole, to leave out what does nothing.
2. Each edge between the others is patched alone, on as many pairs as half of the budget
   allows. Its score is how far logits move.
3. Writes are cached. The directions that idle heads write to are taken off. A head is
   described by the simplest expression of a library that explains its writes; an MLP
   and the output by a table over what their sources hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.arena.agents.features import CandidateFeature
from zoo.arena.agents.play import ArenaView, look, submit
from zoo.arena.agents.reading import (
    best_feature,
    best_program,
    labels_of,
    show_output,
    table_of,
    without,
)
from zoo.arena.opening import Arena

MOVED = 0.05
"""Logits that move less than this are said to stay: rounding moves them by less."""
CACHED = 0.12
"""Share of the budget that is spent on caching."""
ROUGH = 0.25
"""Share of the budget that is spent on whole sources and readers."""


def play_exact(arena: Arena, seed: int = 0) -> dict[str, Any]:
    """Return the verdict on exact patching and table reading."""
    view = look(arena, seed)
    scores = edge_scores(view)
    found = [name for name, score in scores.items() if score >= 0.5]
    reader = TableReader(view, found)
    features, program = reader.read()
    roles = {node: reader.guess(node) for node in reader.nodes}
    descriptions = {}
    for node, feature in features.items():
        roles[node] = feature.role
        descriptions[node] = {"rasp": feature.program}
    said = {"edges": scores, "roles": roles, "descriptions": descriptions}
    return submit(arena, said | ({} if program is None else {"program": program}))


def edge_scores(view: ArenaView, strength: float = 1.0) -> dict[str, float]:
    """Return a score in [0, 1] by edge; at least 0.5 where logits have moved."""
    names, budget = view.names, view.info["budget"]
    sources = [[name] for name in names.sources]
    readers = [
        [str(e) for e in names.edges if e.reader == reader] for reader in names.readers
    ]
    groups = [*sources, *readers]
    rounds = max(2, int(ROUGH * budget) // (len(groups) + 2))
    rough = np.max([view.effects(groups) for _ in range(rounds)], axis=0) > MOVED
    alive = {g[0] for g, hit in zip(sources, rough[: len(sources)], strict=True) if hit}
    reading = dict(zip(names.readers, rough[len(sources) :], strict=True))
    edges = [
        str(e) for e in names.edges if e.source in alive and reading[e.reader]
    ] or [str(e) for e in names.edges]
    left = view.arena.left - int(CACHED * budget)
    rounds = max(1, left // (len(edges) + 2))
    moved = np.array([view.effects([[e] for e in edges]) for _ in range(rounds)])
    most, mean = moved.max(axis=0), moved.mean(axis=0)
    scale = max(float(mean.max()), 1e-9)
    return {
        edge: round(0.5 * float(hit > MOVED) + 0.49 * float(size) / scale, 6)
        for edge, hit, size in zip(edges, most, mean, strict=True)
    }


class TableReader:
    """Reads what components hold, one after the other, from cached writes.

    Args:
        view: the model.
        edges: the edges that the agent believes in.
    """

    def __init__(self, view: ArenaView, edges: list[str]) -> None:
        self.view, names = view, view.names
        parsed = [names.parse_edge(edge) for edge in edges]
        self.sources: dict[str, list[str]] = {}
        for edge in parsed:
            self.sources.setdefault(names.node_of(edge.reader), []).append(edge.source)
        self.nodes = [n for n in names.sources[2:] if n in {e.source for e in parsed}]
        inputs = [view.draw() for _ in range(max(8, min(view.arena.left - 8, 192)))]
        self.inputs = inputs[: max(1, view.arena.left // 2)]
        self.outputs = view.arena.run(self.inputs[:256])
        self.library = view.library(self.inputs)
        written = view.writes(self.inputs)
        live = self.library.live
        self.rows = {n: written[i][live] for i, n in enumerate(names.sources)}
        idle = [n for n in names.sources[2:] if n not in self.nodes and n[0] == "a"]
        self.idle = np.concatenate([self.rows[n] for n in idle] or [np.zeros((1, 1))])

    def read(self) -> tuple[dict[str, CandidateFeature], str | None]:
        """Return features by node, and the program if the output could be read."""
        tokens, places = self.library.plain()
        known: dict[str, CandidateFeature] = {"tokens": tokens, "positions": places}
        found: dict[str, CandidateFeature] = {}
        last = set(self.sources.get("logits", ())) - {"tokens", "positions"}
        for node in self.nodes:
            above = [
                known[s]
                for s in dict.fromkeys(self.sources.get(node, ()))
                if s in known
            ]
            rows = self.rows[node]
            if self.idle.shape[1] == rows.shape[1]:
                rows = without(rows, self.idle)
            if node[0] == "a":
                extra = [p for p in above if p.text not in ("tokens", "indices")]
                candidates = self.library.heads(extra)
                feature = best_feature(rows, candidates, self.library)
            elif last == {node}:
                feature = self._output(above)
            else:
                feature = self._table(above, rows)
            if feature is not None:
                known[node] = self._named(node, feature)
                found[node] = known[node]
        return found, self._program(found, last)

    def above(
        self, node: str, known: Mapping[str, CandidateFeature]
    ) -> list[CandidateFeature]:
        """Return what is known of the sources of a node."""
        sources = dict.fromkeys(self.sources.get(node, ()))
        return [known[source] for source in sources if source in known]

    def guess(self, node: str) -> str:
        """Return the likeliest role of a node that could not be read."""
        if node[0] == "a":
            return "aggregator"
        return "combiner" if len(set(self.sources.get(node, ()))) > 1 else "mapper"

    def _named(self, node: str, feature: CandidateFeature) -> CandidateFeature:
        """Return a feature whose text is a name, with its definition in front."""
        name = node.replace(".", "_")
        lines = f"{feature.lines}{name} = {feature.text};\n"
        return CandidateFeature(
            name, feature.values, feature.role, lines, feature.is_token
        )

    def _table(
        self, above: list[CandidateFeature], rows: np.ndarray
    ) -> CandidateFeature | None:
        labels = labels_of(rows)
        if labels is None or not above:
            return None
        count = int(labels.max()) + 1
        shown = ["False", "True"] if count == 2 else [str(i) for i in range(count)]
        made = table_of(above, labels.tolist(), self.library, shown)
        if made is not None and made.role == "mapper" and count == 2:
            return CandidateFeature(made.text, made.values, "indicator", made.lines)
        return made

    def _output(self, above: list[CandidateFeature]) -> CandidateFeature | None:
        """Return the output as a table over what its node reads."""
        given = [v for row in self.outputs for v in row]
        values = list(dict.fromkeys(map(repr, given)))
        first = {repr(v): v for v in given}
        held = [values.index(repr(v)) for v in given]
        shown = [show_output(first[text]) for text in values]
        made = table_of(above, held, self.library, shown) if above else None
        is_flag = all(isinstance(v, bool) for v in first.values())
        if made is not None and made.role == "mapper" and is_flag:
            return CandidateFeature(made.text, made.values, "indicator", made.lines)
        return made

    def _program(
        self, found: dict[str, CandidateFeature], last: set[str]
    ) -> str | None:
        if len(last) != 1 or not last <= set(found):
            plain = [*self.library.plain(), *self.library.heads()]
            return best_program(self.outputs, plain, self.library)
        feature = found[min(last)]
        return f"{feature.lines}out_ = {feature.text};"
