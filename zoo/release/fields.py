"""The files of a release, and the fields of those that say what it is.

Types and names only, and light to import: `build` writes these, `shelf` and `released`
read them, and `documents` makes JSON Schemas of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired, TypedDict

from compiler.rasp.values import Value
from compiler.sealed import FILES
from zoo.release.index_format import INDEX_FORMAT
from zoo.release.schema import LARGEST, Document, FieldRule

CARD, SOURCE, CERTIFICATE = "README.md", "program.py", "certificate.json"
RECIPE, HISTORY, RELEASE = "recipe.toml", "history.parquet", "release.json"
CROISSANT, PICTURE, INDEX = "croissant.json", "circuit.svg", "index.json"
TWIN = "twin.safetensors"
NAMES = (*FILES, CARD, SOURCE, CERTIFICATE, RELEASE, CROISSANT, PICTURE)
"""Files that every release has, besides SHA256SUMS and the data."""
SPLITS = ("train", "test")


def data_file(split: str) -> str:
    """Return the name of the file of a split."""
    return f"data/{split}.parquet"


FORMAT, VERSION = "circuitzoo.release", 1
NAME = "[a-z0-9][a-z0-9_-]{0,79}"
"""What the whole name of a release matches."""
MOST_BYTES = 2**28
"""Bytes of one file above which nothing is read."""
MOST_RELEASE = 2**30
"""Bytes of a release above which it is not fetched."""

WholeNumber = Annotated[int, FieldRule(least=0, most=LARGEST)]
PositiveNumber = Annotated[int, FieldRule(least=1, most=LARGEST)]
ReleaseKind = Literal["compiled", "trained", "compressed"]


class ReleaseSummary(TypedDict):
    """What a release says of itself: `release.json`, and a line of the index."""

    name: Annotated[str, FieldRule("the release's", pattern=NAME)]
    version: Annotated[int, FieldRule("never changes once published", 1, 2**31 - 1)]
    kind: Annotated[ReleaseKind, FieldRule("how the weights were made")]
    program: Annotated[
        str, FieldRule("the program or task that the model computes", longest=256)
    ]
    meaning: Annotated[str, FieldRule("its one line, with an example", longest=4096)]
    layers: PositiveNumber
    heads: Annotated[PositiveNumber, FieldRule("attention heads a layer")]
    d_model: PositiveNumber
    parameters: PositiveNumber
    variables: Annotated[
        WholeNumber, FieldRule("variables with a node, inputs left out")
    ]
    edges: Annotated[WholeNumber, FieldRule("edges of the circuit")]
    of_edges: Annotated[WholeNumber, FieldRule("edges of the transformer")]
    pairs: Annotated[PositiveNumber, FieldRule("pairs of inputs of the audit")]
    claims: Annotated[
        Mapping[str, float], FieldRule("the worst figure by claim, 0 to 1")
    ]
    audit: NotRequired[
        Annotated[
            Literal["full", "quick"],
            FieldRule(
                "how much was audited; a sample of pairs alone if it is left out"
            ),
        ]
    ]
    architecture: NotRequired[
        Annotated[
            Literal["gpt2", "llama", "qwen2", "bert"],
            FieldRule(
                "of Hugging Face transformers, which loads the folder; none if left out"
            ),
        ]
    ]


class IndexEntry(ReleaseSummary):
    """One release in an index."""

    format: Literal["circuitzoo.release"]
    format_version: Literal[1]
    folder: Annotated[
        str, FieldRule("beside the index", pattern=NAME + r"(\.v[0-9]{1,10})?")
    ]
    bytes: Annotated[int, FieldRule("of all its files", 1, MOST_RELEASE)]
    sums: Annotated[str, FieldRule("SHA-256 of its SHA256SUMS", pattern="[0-9a-f]{64}")]


class Index(TypedDict):
    """The releases of a shelf."""

    releases: tuple[IndexEntry, ...]


class ShardNote(TypedDict):
    """A part of a large index: releases whose names follow each other."""

    file: Annotated[
        str, FieldRule("beside the index", pattern=r"index\.d/[0-9a-f]{32}\.json")
    ]
    first: Annotated[str, FieldRule("the first name in it", pattern=NAME)]
    count: Annotated[int, FieldRule("releases in it", 1, 2**14)]
    bytes: Annotated[int, FieldRule("of the file", 1, 2**24)]
    sums: Annotated[str, FieldRule("SHA-256 of the file", pattern="[0-9a-f]{64}")]


class ShardedIndex(TypedDict):
    """A large index: its parts, in the order of names."""

    count: Annotated[int, FieldRule("releases in all parts", 0, LARGEST)]
    shards: tuple[ShardNote, ...]


class NodeNote(TypedDict):
    """A node of the circuit."""

    name: str
    writes: Annotated[tuple[str, ...], FieldRule("the variables it writes")]


class EdgeWitness(TypedDict):
    """A pair of inputs that shows an edge's effect."""

    base: Annotated[tuple[Value, ...], FieldRule("the input that was run")]
    source: Annotated[tuple[Value, ...], FieldRule("the input of the donor")]
    turn: Annotated[
        WholeNumber, FieldRule("places by which the donor run's positions are shifted")
    ]
    position: Annotated[
        WholeNumber, FieldRule("of the token whose output changed, from 0")
    ]
    before: tuple[Value, ...]
    after: tuple[Value, ...]


class EdgeNote(TypedDict):
    """An edge of the circuit, and what patching it alone did."""

    name: Annotated[str, FieldRule("source->reader")]
    carries: Annotated[tuple[str, ...], FieldRule("variables")]
    status: Literal["used", "unused", "undetectable"]
    effect: Annotated[float, FieldRule("share of positions whose output changed", 0, 1)]
    restored: Annotated[
        float, FieldRule("share of right outputs, all outside patched too", 0, 1)
    ]
    witness: EdgeWitness | None


class VariableNote(TypedDict):
    """A variable of the program."""

    name: str
    definition: str
    note: str
    role: Annotated[str, FieldRule("one of the keys of `roles`")]
    values: tuple[Value, ...]
    node: Annotated[
        str | None, FieldRule("the node that writes it; null for a constant")
    ]
    output: Annotated[bool, FieldRule("whether it is the program's result")]


class TokenNote(TypedDict):
    """How tokens are numbered."""

    ids: Annotated[
        tuple[Value, ...], FieldRule("a token's place in the list is its id")
    ]
    bos: WholeNumber
    pad: WholeNumber
    layout: str


class OutputNote(TypedDict):
    """What logits stand for."""

    kind: Literal["classes", "number", "nullable"]
    values: tuple[Value, ...]


class Annotation(TypedDict):
    """The circuit for readers without this code: `annotation` of `circuit.json`."""

    nodes: tuple[NodeNote, ...]
    edges: tuple[EdgeNote, ...]
    variables: tuple[VariableNote, ...]
    roles: Annotated[Mapping[str, str], FieldRule("what each role means")]
    correspondence: Annotated[Mapping[str, str], FieldRule("by variable, its node")]
    tokens: TokenNote
    outputs: OutputNote


MatrixRows = tuple[tuple[float, ...], ...]


class SiteFile(TypedDict):
    """Where a variable lives."""

    node: str
    basis: Annotated[
        MatrixRows | None, FieldRule("orthonormal rows; null for the whole write")
    ]


class CircuitPart(TypedDict):
    """Edges and sites."""

    n_layers: PositiveNumber
    n_heads: PositiveNumber
    edges: tuple[str, ...]
    sites: Mapping[str, SiteFile]
    carries: Mapping[str, tuple[str, ...]]


class FeaturesPart(TypedDict):
    """The features of a compressed model."""

    names: tuple[str, ...]
    variables: tuple[str | None, ...]
    values: tuple[int | None, ...]
    directions: MatrixRows


class OrderPart(TypedDict):
    """The order of variables, since keys are sorted in the file."""

    circuit: tuple[str, ...]
    beside: tuple[str, ...]
    rows: tuple[str, ...]


class CircuitFile(TypedDict):
    """All of `circuit.json`."""

    annotation: Annotation
    circuit: CircuitPart
    beside: CircuitPart | None
    rows: Annotated[Mapping[str, MatrixRows], FieldRule("by variable, a row a value")]
    basis: Annotated[
        MatrixRows | None,
        FieldRule("the named directions, if these are not the axes of the stream"),
    ]
    order: OrderPart
    features: NotRequired[FeaturesPart]


RELEASE_DOCUMENT = Document(
    RELEASE,
    "What a release says of itself.",
    ReleaseSummary,
    FORMAT,
    (VERSION,),
    most=2**12,
)
CIRCUIT_DOCUMENT = Document(
    "circuit.json", "Edges, sites and their annotation.", CircuitFile
)
INDEX_DOCUMENT = Document(INDEX, "The releases of a folder.", Index, INDEX_FORMAT, (1,))
ROOT_DOCUMENT = Document(
    INDEX, "The parts of a large index.", ShardedIndex, INDEX_FORMAT, (2,)
)
