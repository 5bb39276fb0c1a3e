"""What the list of the gallery knows of each release, before a model is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from compiler.machine.names import Edge
from zoo.auditing.claims import missed
from zoo.causal.by_hand import task_of
from zoo.release.released import Released

AUDITS = ("full", "quick", "sample")


@dataclass(frozen=True)
class Entry:
    """A release as the list shows it.

    Attributes:
        name: the release's.
        version: the newest one, which is shown.
        versions: how many there are.
        kind: `compiled`, `trained` or `compressed`.
        architecture: of Hugging Face transformers; "" for none.
        family: of the program, such as `sorting/ordering`.
        program: the program or task that it computes.
        meaning: what that is, in a line.
        task: `program`, `by hand` or `language`.
        output: `class`, `boolean` or `number`.
        attends: `both ways` or `causally`.
        norm: `none`, `pre` or `rms`.
        layers: of the transformer.
        heads: a layer.
        d_model: the width of the stream.
        parameters: of the transformer.
        nodes: heads and MLPs of the circuit.
        variables: with a node, inputs left out.
        edges: of the circuit.
        of_edges: of the transformer.
        audit: `full`, `quick` or `sample`.
        proven: whether the certificate also bounds what any donor can do.
        circuits: how many circuits are shown: by class of inputs, or minimal ones.
        least: the least figure of all claims, a share; -1 without any.
        fails: the claims that fail.
        shape: the circuit in small: (source, reader) as places in `Names`.
    """

    name: str
    version: int
    versions: int
    kind: str
    architecture: str
    family: str
    program: str
    meaning: str
    task: str
    output: str
    attends: str
    norm: str
    layers: int
    heads: int
    d_model: int
    parameters: int
    nodes: int
    variables: int
    edges: int
    of_edges: int
    audit: str
    proven: bool
    circuits: int
    least: float
    fails: tuple[str, ...]
    shape: tuple[tuple[int, int], ...]

    @property
    def page(self) -> str:
        """The address of its page, from the top of the site."""
        return f"models/{self.name}.html"

    @property
    def picture(self) -> str:
        """The address of its small picture, from the top of the site."""
        return f"pictures/{self.name}.svg"

    @property
    def size(self) -> str:
        """Layers x heads a layer x width of the stream."""
        return f"{self.layers}×{self.heads}×{self.d_model}"


COLUMNS = tuple(f.name for f in fields(Entry) if f.name not in ("shape", "of_edges"))
"""What the scripts of the list are told of each entry, in this order."""


def entry_of(model: Released, versions: int, circuits: int) -> Entry:
    """Return the entry of a release.

    Args:
        model: the release.
        versions: how many versions there are.
        circuits: how many circuits its page shows.
    """
    said, config, names = model.summary, model.config, model.config.names
    used = [n for n in model.circuit.nodes if names.source_parts[n].layer is not None]
    shape = [_place(model, edge) for edge in model.circuit.edges]
    return Entry(
        name=said["name"],
        version=said["version"],
        versions=versions,
        kind=said["kind"],
        architecture=said.get("architecture", ""),
        family=str(model.facts.get("family", "")) or "own",
        program=said["program"],
        meaning=said["meaning"],
        task=_task(model),
        output=_output(model),
        attends="causally" if config.causal else "both ways",
        norm=config.norm,
        layers=config.n_layers,
        heads=config.n_heads,
        d_model=config.d_model,
        parameters=config.n_params,
        nodes=len(used),
        variables=said["variables"],
        edges=said["edges"],
        of_edges=said["of_edges"],
        audit=said.get("audit", "sample"),
        proven=model.certificate.proof is not None,
        circuits=circuits,
        least=min(said["claims"].values(), default=-1.0),
        fails=tuple(missed(said["kind"], said["claims"])),
        shape=tuple(shape),
    )


def _place(model: Released, edge: Edge) -> tuple[int, int]:
    reader, source = model.config.names.edge_index(edge)
    return source, reader


def _task(model: Released) -> str:
    if model.writes_tokens and model.config.causal and task_of(model) is not None:
        return "language"
    return "program" if task_of(model) is None else "by hand"


def _output(model: Released) -> str:
    values = [v for v in model.readout.values if v is not None]
    if model.readout.kind != "classes" or model.typed.numerical:
        return "number"
    return "boolean" if all(isinstance(v, bool) for v in values) else "class"


def rows_for_scripts(entries: Sequence[Entry]) -> Mapping[str, object]:
    """Return the entries as the scripts of the list read them: columns and rows."""
    return {
        "columns": COLUMNS,
        "rows": [[getattr(e, c) for c in COLUMNS] for e in entries],
    }
