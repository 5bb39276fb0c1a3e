"""A circuit: the edges of a transformer that carry a computation.

It says which readers use which sources, which variables of the program each
edge carries, and in which subspace of its node's write each variable is. A circuit is a
claim, which an audit checks. The compiler makes one for every model; releases store it,
and scores are compared with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float

from compiler.errors import FormatError, InputError, NameLookupError, count
from compiler.machine.names import Edge, Names

if TYPE_CHECKING:
    from compiler.picture import Picture

KEYS = {"n_layers", "n_heads", "edges", "sites", "carries"}


@dataclass(frozen=True, eq=False)
class Site:
    """Where a variable is: a node, and a subspace of what it writes.

    Args:
        node: name of the source that writes the variable.
        basis: orthonormal rows [rank, d_model] that span the subspace, or None
            for everything that the node writes.
    """

    node: str
    basis: Float[np.ndarray, "rank d_model"] | None = None

    def __post_init__(self) -> None:
        if self.basis is None:
            return
        basis = np.array(self.basis, np.float64)  # a copy: ours to freeze
        if basis.ndim != 2 or not np.allclose(
            basis @ basis.T, np.eye(len(basis)), atol=1e-5
        ):
            raise InputError(
                f"site at {self.node}: the rows of its basis are not orthonormal. "
                "Orthonormalise them, for instance by a QR decomposition."
            )
        basis.flags.writeable = False
        object.__setattr__(self, "basis", basis)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Site):
            return NotImplemented
        if self.basis is None or other.basis is None:
            return self.node == other.node and self.basis is other.basis
        return self.node == other.node and np.array_equal(self.basis, other.basis)

    def __hash__(self) -> int:
        return hash(self.node)

    def __repr__(self) -> str:
        rank = "" if self.basis is None else f", rank {len(self.basis)}"
        return f"Site({self.node}{rank})"

    def to_json(self) -> dict[str, Any]:
        """Return the site as JSON values; `Site.from_json` reads them back."""
        basis = None if self.basis is None else self.basis.tolist()
        return {"node": self.node, "basis": basis}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Site":
        """Return the site that `to_json` wrote."""
        basis = data["basis"]
        return cls(data["node"], None if basis is None else np.array(basis, np.float64))


@dataclass(frozen=True)
class Circuit:
    """Edges on which a computation runs, with the variables that they carry.

    Args:
        names: the names of the transformer.
        edges: the circuit's edges; they are kept in the order of `names.edges`.
        sites: the site of each variable.
        carries: the variables that an edge carries; edges may be left out.

    Raises:
        NameLookupError: a name is unknown, an edge runs backwards or occurs twice;
            every problem is listed.
    """

    names: Names
    edges: tuple[Edge, ...]
    sites: Mapping[str, Site] = field(default_factory=dict)
    carries: Mapping[Edge, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [*self._edge_problems(), *self._variable_problems()]
        if problems:
            listed = "\n".join(f"  {i}. {text}" for i, text in enumerate(problems, 1))
            raise NameLookupError(f"circuit: {len(problems)} problem(s)\n{listed}")
        ordered = tuple(sorted(self.edges, key=self.names.edge_index))
        carries = {edge: tuple(self.carries.get(edge, ())) for edge in ordered}
        object.__setattr__(self, "edges", ordered)
        object.__setattr__(self, "sites", MappingProxyType(dict(self.sites)))
        object.__setattr__(self, "carries", MappingProxyType(carries))

    def _edge_problems(self) -> list[str]:
        problems = []
        for place, edge in enumerate(self.edges):
            try:
                self.names.edge_index(edge)
            except NameLookupError as error:
                problems.append(f"{edge}: {error}")
            if edge in self.edges[:place]:
                problems.append(f"{edge} occurs twice.")
        return problems

    def _variable_problems(self) -> list[str]:
        known = set(self.names.sources)
        problems = [
            f"variable {variable!r} lives at {site.node!r}, which is not a source."
            for variable, site in self.sites.items()
            if site.node not in known
        ]
        for edge, variables in self.carries.items():
            if edge not in self.edges:
                problems.append(f"{edge} carries {variables}, but is no edge of it.")
            problems += [
                f"{edge} carries {variable!r}, which has no site."
                for variable in variables
                if variable not in self.sites
            ]
        return problems

    def __reduce__(self) -> tuple[type, tuple]:
        # Mapping proxies cannot be pickled; other processes get plain dicts.
        plain = dict(self.sites), dict(self.carries)
        return Circuit, (self.names, self.edges, *plain)

    def __repr__(self) -> str:
        edges = f"{count(len(self.edges), 'edge')} of {len(self.names.edges)}"
        return f"<Circuit: {edges}, {count(len(self.sites), 'variable')}>"

    def __contains__(self, edge: Edge) -> bool:
        return edge in self.carries

    def __hash__(self) -> int:
        return hash((self.names, self.edges))

    def picture(self, title: str = "circuit", subtitle: str = "") -> "Picture":
        """Return the picture of the circuit, which notebooks show.

        Args:
            title: what stands above it.
            subtitle: a line in smaller letters; how many edges it has if empty.
        """
        from compiler.picture import draw

        edges = f"{len(self.edges)} of {len(self.names.edges)} edges"
        drawn: Any = self  # a cached property is a property to a Protocol
        return draw(drawn, title, subtitle or edges)

    def _repr_svg_(self) -> str:
        return self.picture().svg

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The nodes at either end of an edge, in order; `logits` is not one."""
        sources = {edge.source for edge in self.edges}
        fed = {self.names.node_of(edge.reader) for edge in self.edges}
        return tuple(name for name in self.names.sources if name in sources | fed)

    @cached_property
    def readers(self) -> tuple[str, ...]:
        """The readers of the circuit's edges, in order."""
        reading = {edge.reader for edge in self.edges}
        return tuple(name for name in self.names.readers if name in reading)

    def mask(self) -> Bool[np.ndarray, "reader source"]:
        """Return which entries of an edge mask belong to the circuit."""
        mask = np.zeros((len(self.names.readers), len(self.names.sources)), bool)
        for edge in self.edges:
            mask[self.names.edge_index(edge)] = True
        return mask

    def complement(self) -> tuple[Edge, ...]:
        """Return every edge of the transformer that is outside the circuit."""
        return tuple(edge for edge in self.names.edges if edge not in self)

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return the circuit as a graph over nodes, one edge a (source, reader).

        Nodes, `logits` among them, carry `kind`, `layer` and `variables`; edges
        have the reader's name as key, and carry `slot` (q, k, v or None) and
        `carries`.
        """
        graph = nx.MultiDiGraph()
        parts = {**self.names.source_parts, "logits": self.names.reader_parts["logits"]}
        fed = {self.names.node_of(edge.reader) for edge in self.edges}
        for node in (name for name in parts if name in fed | set(self.nodes)):
            here = tuple(v for v, site in self.sites.items() if site.node == node)
            kind, layer = parts[node].kind, parts[node].layer
            graph.add_node(node, kind=kind, layer=layer, variables=here)
        for edge, variables in self.carries.items():
            part = self.names.reader_parts[edge.reader]
            ends = edge.source, part.node
            graph.add_edge(*ends, key=edge.reader, slot=part.slot, carries=variables)
        return graph

    def to_json(self) -> dict[str, Any]:
        """Return the circuit as JSON values; `Circuit.from_json` reads them back."""
        return {
            "n_layers": self.names.n_layers,
            "n_heads": self.names.n_heads,
            "edges": [str(edge) for edge in self.edges],
            "sites": {name: site.to_json() for name, site in self.sites.items()},
            "carries": {str(edge): list(v) for edge, v in self.carries.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Circuit":
        """Return the circuit that `to_json` wrote.

        Raises:
            FormatError: keys are missing or unknown.
            NameLookupError: an edge or a node is unknown.
        """
        if set(data) != KEYS:
            found = sorted(data)
            raise FormatError(f"circuit: keys are {found}, expected {sorted(KEYS)}.")
        names = Names(data["n_layers"], data["n_heads"])
        sites = {name: Site.from_json(site) for name, site in data["sites"].items()}
        carries = {
            names.parse_edge(text): tuple(variables)
            for text, variables in data["carries"].items()
        }
        edges = tuple(names.parse_edge(text) for text in data["edges"])
        return cls(names, edges, sites, carries)
