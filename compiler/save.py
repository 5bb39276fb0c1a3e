"""A model in a folder: numbers and tables, nothing that can run.

    config.json         the transformer's shape, the name and version of this format
    model.safetensors   the weights, under TransformerLens' names
    circuit.json        edges, sites, rows; what is computed beside; the basis;
                        of a compressed model the features: names, variables,
                        values (which row of the variable), directions
    program.json        the program over its domains, the readout, facts; its steps,
                        where a variable takes several components
    SHA256SUMS          digests of the four, as `sha256sum --check` reads them

A model is of the oldest version of the format that says all of it: 3 where program.json
holds `steps` (see `Model.steps`), else 2 where circuit.json holds features, else 1.

A model of an architecture of Hugging Face transformers (`compiler/families`) is of
version 4. Its folder is one that `AutoModel..from_pretrained` loads: config.json has
the entries of that architecture, and the transformer's shape as we have it under the
key `circuitzoo`; the weights carry its names; and two files of a tokenizer are added,
and of a language model how it generates:

    tokenizer.json, tokenizer_config.json, generation_config.json

The bytes are a function of the model: saving twice gives the same. A save that is cut
short leaves what was there before, or nothing. Loading trusts nothing: sizes, digests
and structure are checked before anything is built, no link is followed, and every
fault is a FormatError.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from compiler.errors import FormatError, InputError, ZooError
from compiler.families import family_of
from compiler.families.family import Family
from compiler.files import put_folder, recover, room_to
from compiler.interchange.hugging_face import (
    OURS,
    TOKENIZER,
    config_entries,
    tokenizer_files,
)
from compiler.ir.typed import Typed
from compiler.lower.readout import Readout
from compiler.machine.circuit import KEYS, Circuit
from compiler.machine.config import CHOICES, FLAGS, SIZES, Config
from compiler.machine.features import Features
from compiler.machine.weights import Weights
from compiler.model import Model
from compiler.notation import MOST_TEXT, REMEDY, LocatedJson, parse, refuse, render
from compiler.sealed import (
    CIRCUIT,
    CONFIG,
    FILES,
    PROGRAM,
    SUMS,
    WEIGHTS,
    read_file,
    read_sums,
    sums_of,
)
from compiler.tabulated import (
    MOST_NOTES,
    readout_from_json,
    readout_to_json,
    typed_from_json,
    typed_to_json,
)
from compiler.tensors import (
    file_sizes,
    shaped_from_bytes,
    shaped_to_bytes,
    tensors_from_bytes,
    tensors_to_bytes,
)

FORMAT, VERSION = "circuitzoo.model", 4
FIRST, _FEATURES, _STEPS = 1, 2, 3  # of neither steps nor features; of features alone
_SHAPED = 4  # of a folder that Hugging Face transformers loads
ANNOTATION = "annotation"
"""What a release adds to circuit.json: the same for readers without this code."""

# Bytes of JSON, and pairs of a reader and a source, above which nothing is loaded.
MOST_JSON = 2**27
MOST_PAIRS = 2**28
_SMALL = 2**20  # bytes of config.json
_ORDERED = ("circuit", "beside", "rows")


# Saving ---------------------------------------------------------------------------


def save_model(
    model: Model, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Save a model, and return its folder.

    Args:
        model: any model with float32 weights.
        folder: where to; its parents are made.
        overwrite: whether a saved model that is there may be replaced.

    Raises:
        InputError: the folder is in the way or cannot be written, or the model holds
            something that cannot be saved.
    """
    target = Path(os.path.abspath(folder))
    contents = to_files(model)
    with room_to(f"save to {target}"):
        _check_target(target, overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        put_folder(target, contents, lambda: _check_target(target, overwrite))
    return target


def to_files(model: Model) -> dict[str, bytes]:
    """Return the contents of a saved model's files, by name."""
    domain = model.typed.variables[model.typed.output].domain
    steps = {} if model.steps is None else {"steps": typed_to_json(model.steps)}
    named = [model.name, *(v.name for v in model.typed.variables), *model.typed.notes]
    if max(map(len, named)) > MOST_TEXT or len(model.typed.notes) > MOST_NOTES:
        raise InputError(
            f"{model.name[:40]}: no name or note above {MOST_TEXT:,} characters, and "
            f"no more than {MOST_NOTES:,} notes, are loaded. Give shorter or fewer ones"
        )
    contents = {
        **_transformer_files(model),
        CIRCUIT: render(_circuit_to_json(model)),
        PROGRAM: render(
            {
                "program": typed_to_json(model.typed),
                "name": model.name,
                "readout": readout_to_json(model.readout, domain.values),
                "facts": dict(model.facts),
                **steps,
            }
        ),
    }
    for name in (CIRCUIT, PROGRAM):
        if (size := len(contents[name])) > MOST_JSON:
            raise InputError(
                f"{model.name}: {name} would have {size:,} bytes, and none above "
                f"{MOST_JSON:,} is loaded. Compile it with fewer tokens, or a lower "
                "max_len."
            )
    return {**contents, SUMS: sums_of(contents)}


def _transformer_files(model: Model) -> dict[str, bytes]:
    """Return the files of the transformer: shape, weights, and maybe a tokenizer."""
    config, family = model.config, family_of(model.config, model.writes_tokens)
    if family is None:
        return {
            CONFIG: render(_about(model)),
            WEIGHTS: tensors_to_bytes(model.weights, config),
        }
    words = model.words
    return {
        CONFIG: render(_shaped_entries(model, family)),
        WEIGHTS: shaped_to_bytes(family, model.weights, config, model.writes_tokens),
        **tokenizer_files(words, config, model.writes_tokens),
    }


def _about(model: Model) -> dict[str, Any]:
    """Return what config.json says to us."""
    version = _version(model)
    return {"format": FORMAT, "format_version": version, **model.config.to_json()}


def _shaped_entries(model: Model, family: Family) -> dict[str, Any]:
    """Return what config.json says to Hugging Face transformers, and to us."""
    language = model.writes_tokens
    entries = config_entries(family, model.config, model.labels, model.words, language)
    return {**entries, OURS: _about(model)}


def _version(model: Model) -> int:
    """Return the oldest version of the format that says all of a model."""
    if family_of(model.config, model.writes_tokens) is not None:
        return _SHAPED
    if model.steps is not None:
        return _STEPS
    return FIRST if model.features is None else _FEATURES


def _circuit_to_json(model: Model) -> dict[str, Any]:
    beside, features = model.beside, model.features
    return {
        **({} if features is None else {"features": features.to_json()}),
        "circuit": model.circuit.to_json(),
        "beside": None if beside is None else beside.to_json(),
        "rows": {n: np.asarray(r, float).tolist() for n, r in model.rows.items()},
        "basis": None if model.basis is None else model.basis.tolist(),
        # Keys are sorted in the file; variables come in the order of computation.
        "order": {
            "circuit": list(model.circuit.sites),
            "beside": [] if beside is None else list(beside.sites),
            "rows": list(model.rows),
        },
    }


def _check_target(target: Path, overwrite: bool) -> None:
    """Raise InputError unless something may be put there."""
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise InputError(
            f"{target} is there and is no folder; give the name of a folder"
        )
    inside = {entry.name for entry in target.iterdir()}
    if inside and not overwrite:
        raise InputError(
            f"{target} is there already; give another folder, or overwrite=True to "
            "replace the model in it"
        )
    if strange := sorted(inside - {*FILES, *TOKENIZER, SUMS}):
        raise InputError(
            f"{target} holds {', '.join(strange[:3])}, which no saved model has; it "
            "is not replaced. Give another folder"
        )


# Loading --------------------------------------------------------------------------


def load_model(folder: str | os.PathLike[str]) -> Model:
    """Return the model that `save_model` put in a folder.

    Raises:
        FormatError: there is none, or it is truncated, altered, or of a newer format;
            the message names the file, what was found, and what to do.
    """
    path = Path(folder)
    recover(path)
    before = _identity(path)
    try:
        return _load(path)
    except FormatError:
        if _identity(path) == before:
            raise
        return _load(path)  # it was overwritten while it was read


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one of the same name."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns


def _load(path: Path) -> Model:
    _check_folder(path)
    sums = read_sums(path)
    # The format comes first: a newer one may have other files.
    entries = parse(read_file(path, CONFIG, 0, _SMALL, sums), CONFIG)
    config, version = _read_config(entries)
    weights = read_file(path, WEIGHTS, *file_sizes(config, version == _SHAPED), sums)
    program = parse(read_file(path, PROGRAM, 0, MOST_JSON, sums), PROGRAM)
    circuit = parse(read_file(path, CIRCUIT, 0, MOST_JSON, sums), CIRCUIT)
    try:
        model = _build(config, weights, program, circuit, version)
    except RecursionError:
        raise refuse(PROGRAM, "lists in lists without end", "a program") from None
    if version == _SHAPED:
        _check_entries(model, entries)
    return model


def _check_entries(model: Model, found: LocatedJson) -> None:
    """Raise FormatError unless config.json says the same to transformers as to us."""
    family = family_of(model.config, model.writes_tokens)
    assert family is not None, "its weights were read as those of one"
    expected = parse(render(_shaped_entries(model, family)), CONFIG).json
    for key in sorted({*found.json, *expected}):
        said, right = (repr(data.get(key)) for data in (found.json, expected))
        if said != right:
            raise refuse(
                f"{CONFIG}, {key}", said[:60], f"{right[:60]}, by the key {OURS}"
            )


def _check_folder(path: Path) -> None:
    """Raise FormatError unless it is a folder that can be read."""
    try:
        found = None if path.is_dir() else "a file" if path.exists() else "nothing"
    except OSError as error:
        found = f"that it cannot be read ({error.strerror or error})"
    if found is not None:
        raise refuse(str(path), found, "the folder of a saved model", "Check the name.")


def _build(
    config: Config,
    weights: bytes,
    program: LocatedJson,
    circuit: LocatedJson,
    version: int,
) -> Model:
    """Return the model of checked files."""
    has_steps = version == _STEPS or (
        version == _SHAPED and "steps" in program.entries()
    )
    more = ("steps",) if has_steps else ()
    entries = program.fields("program", "name", "readout", "facts", *more)
    typed = typed_from_json(entries["program"])
    steps = _read_steps(entries["steps"], typed) if more else None
    domains = {v.name: v.domain.values for v in typed.variables}
    output = typed.variables[typed.output]
    readout = readout_from_json(entries["readout"], output.domain.values)
    _check_fit(config, typed.max_len, len(typed.vocab), typed.causal, readout.size)
    facts = entries["facts"]
    facts.entries()
    has_features = version == _FEATURES or (
        version in (_STEPS, _SHAPED) and "features" in circuit.entries()
    )
    added = ("features",) if has_features else ()
    parts = circuit.fields(
        "circuit", "beside", "rows", "basis", "order", *added, optional=ANNOTATION
    )
    order = parts["order"].fields(*_ORDERED)
    beside, basis = parts["beside"], parts["basis"]
    rows = _read_rows(parts["rows"], config, domains, order["rows"])
    return Model(
        name=entries["name"].text(),
        typed=typed,
        config=config,
        weights=_read_weights(weights, config, readout, typed, version),
        readout=readout,
        circuit=_read_circuit(parts["circuit"], config, order["circuit"]),
        rows=rows,
        basis=None if basis.json is None else _read_turn(basis, config.d_model),
        facts=MappingProxyType(facts.plain()),
        beside=_read_beside(beside, config, order["beside"]),
        features=_read_features(parts["features"], config, rows) if added else None,
        steps=steps,
    )


def _read_weights(
    data: bytes, config: Config, readout: Readout, typed: Typed, version: int
) -> Weights:
    """Return the weights, from a file of ours or of Hugging Face's."""
    if version != _SHAPED:
        return tensors_from_bytes(data, config, WEIGHTS)
    language = readout.stands_for_tokens(typed.vocab, config.d_vocab)
    family = family_of(config, language)
    if family is None:
        raise refuse(
            CONFIG, "a shape that transformers has not", "one of an architecture"
        )
    return shaped_from_bytes(data, family, config, language, WEIGHTS)


def _read_steps(found: LocatedJson, typed: Typed) -> Typed:
    """Return the steps of a program; they are over its inputs, and give its output."""
    steps = typed_from_json(found)
    for name in ("vocab", "max_len", "causal", "numerical"):
        if getattr(steps, name) != getattr(typed, name):
            raise refuse(f"{found.where}, {name}", "another one", "that of the program")
    last, output = (p.variables[p.output].domain.values for p in (steps, typed))
    if last != output:
        raise refuse(
            f"{found.where}, output", "other values", "those of the program's output"
        )
    return steps


def _read_config(found: LocatedJson) -> tuple[Config, int]:
    """Return the configuration and the format's version, once both are known ones."""
    if OURS in found.entries():
        found = found.entries()[OURS]
    entries = found.entries()
    data = {
        k: v.json for k, v in entries.items() if k not in ("format", "format_version")
    }
    if "format" not in entries or entries["format"].json != FORMAT:
        format_name = entries["format"].json if "format" in entries else "none"
        raise refuse(CONFIG, f"the format {str(format_name)[:40]!r}", repr(FORMAT))
    if "format_version" not in entries:
        raise refuse(CONFIG, "no format_version", f"1 to {VERSION}")
    version = entries["format_version"].integer(1, 2**31)
    if version > VERSION:
        raise refuse(
            CONFIG,
            f"version {version} of the format",
            f"{VERSION} at most: the model was saved by a newer release of circuitzoo",
            "Install a newer release.",
        )
    _check_kinds(entries)
    try:
        config = Config.from_json(data)
    except ZooError as error:
        raise FormatError(f"{CONFIG}: {error} {REMEDY}") from None
    sources = config.names.sources_before(config.n_layers)
    if sources * 3 * sources > MOST_PAIRS:
        raise refuse(CONFIG, f"{sources} sources", "a transformer that fits in memory")
    return config, version


def _check_kinds(entries: Mapping[str, LocatedJson]) -> None:
    """Raise FormatError unless the entries of a configuration have their kinds."""
    for name, entry in entries.items():
        if name in SIZES:
            entry.integer(1, 2**31)
        elif name in CHOICES:
            entry.choice(CHOICES[name])
        elif name in FLAGS:
            entry.flag()
        elif name in ("bos_id", "pad_id") and entry.json is not None:
            entry.integer(0, 2**31)
        elif name == "n_kv_heads" and entry.json is not None:
            entry.integer(1, 2**31)
        elif name == "ln_eps" and not 0 < entry.number() < 1:
            raise entry.wrong("a number between 0 and 1")
        elif name == "rotary_base" and not 0 < entry.number() < 1e12:
            raise entry.wrong("a number between 0 and 1e12")


def _check_fit(
    config: Config, max_len: int, vocabulary: int, causal: bool, classes: int
) -> None:
    """Raise FormatError where config.json and program.json contradict each other."""
    pairs = {
        "n_ctx": (config.n_ctx, max_len + 1),
        "d_vocab_out": (config.d_vocab_out, classes),
        "causal": (config.causal, causal),
    }
    for name, (found, expected) in pairs.items():
        if found != expected:
            raise refuse(f"{CONFIG}, {name}", f"{found}", f"{expected}, by {PROGRAM}")
    special = (config.bos_id, config.pad_id)
    if None in special or config.d_vocab < vocabulary + 2:
        raise refuse(
            CONFIG,
            f"bos_id {special[0]}, pad_id {special[1]} and d_vocab {config.d_vocab}",
            f"BOS and PAD besides the {vocabulary} tokens of {PROGRAM}",
        )
    if any(token is not None and token < vocabulary for token in special):
        raise refuse(
            CONFIG, f"BOS and PAD at {special}", f"them after the {vocabulary} tokens"
        )


def _read_beside(
    found: LocatedJson, config: Config, order: LocatedJson
) -> Circuit | None:
    if found.json is None:
        _ordered({}, order)
        return None
    return _read_circuit(found, config, order)


def _read_circuit(found: LocatedJson, config: Config, order: LocatedJson) -> Circuit:
    """Return a circuit whose sites are in the order given."""
    entries = found.fields(*KEYS)
    for name in ("n_layers", "n_heads"):
        expected = getattr(config, name)
        entries[name].integer(expected, expected)
    entries["edges"].texts()
    for carried in entries["carries"].entries().values():
        carried.texts()
    for site in entries["sites"].entries().values():
        parts = site.fields("node", "basis")
        parts["node"].text()
        if parts["basis"].json is not None:
            _read_basis(parts["basis"], config.d_model)
    sites = _ordered(found.json["sites"], order)
    try:
        return Circuit.from_json({**found.json, "sites": sites})
    except ZooError as error:
        raise FormatError(f"{found.where}: {error} {REMEDY}") from None


def _read_features(
    found: LocatedJson, config: Config, rows: Mapping[str, Any]
) -> Features:
    """Return the features of a compressed model."""
    entries = found.fields("names", "variables", "values", "directions")
    names, variables, values = (
        entries[part].items() for part in ("names", "variables", "values")
    )
    for part in (entries["variables"], entries["values"]):
        if part.size() != len(names):
            raise part.wrong(f"{len(names)} items, one a name")
    owners = tuple(None if v.json is None else v.choice(list(rows)) for v in variables)
    counts = [0 if name is None else len(rows[name]) for name in owners]
    indices = tuple(
        None if value.json is None else value.integer(0, count - 1)
        for value, count in zip(values, counts, strict=True)
    )
    directions = entries["directions"].floats(len(names), config.d_model)
    try:
        return Features(entries["names"].texts(), owners, indices, directions)
    except ZooError as error:
        raise FormatError(f"{found.where}: {error}. {REMEDY}") from None


def _read_rows(
    found: LocatedJson,
    config: Config,
    domains: Mapping[str, tuple[Any, ...]],
    order: LocatedJson,
) -> Mapping[str, Any]:
    rows = {}
    for name, entry in found.entries().items():
        count = len(domains[name]) if name in domains else entry.size()
        rows[name] = entry.floats(count, config.d_model)
    return MappingProxyType(_ordered(rows, order))


def _ordered(given: Mapping[str, Any], order: LocatedJson) -> dict[str, Any]:
    """Return the entries in an order that has the name of each of them once."""
    names = order.texts()
    if len(names) != len(given) or set(names) != set(given):
        raise order.wrong(f"the {len(given)} names that it puts in order")
    return {name: given[name] for name in names}


def _read_turn(found: LocatedJson, d_model: int) -> np.ndarray:
    """Return the basis of the whole stream."""
    basis = _read_basis(found, d_model)
    if len(basis) < d_model:
        raise found.wrong(f"{d_model} rows")
    return basis


def _read_basis(found: LocatedJson, d_model: int) -> np.ndarray:
    """Return orthonormal rows, one or more."""
    rows = found.size()
    if not 1 <= rows <= d_model:
        raise found.wrong(f"1 to {d_model} rows")
    basis = found.floats(rows, d_model)
    small = bool((np.abs(basis) < 2).all())  # so that nothing overflows
    if not small or not np.allclose(basis @ basis.T, np.eye(rows), atol=1e-6):
        raise refuse(found.where, "rows that are not orthonormal", "orthonormal ones")
    return basis
