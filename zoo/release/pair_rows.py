"""Whether the pairs of a release are those that its seed draws, and what is wrong.

The rows are drawn anew. A row that is another one is judged by itself: its tokens, its
token ids, its outputs (by the interpreter, and by the model), the position and the
answers there, the variables that differ.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int

from compiler.ir.interpret import Trace
from compiler.lower.readout import decode_logits
from compiler.model import Model
from zoo.causal.model import Task
from zoo.causal.outputs import is_correct
from zoo.release.data import trace_of
from zoo.release.differences import Difference, shown
from zoo.release.runs import clean_logits
from zoo.release.tables import SCHEMA, from_parquet, spell

MOST_JUDGED = 50
"""Rows of a file that are judged; a file with more wrong ones is wrong enough."""
LEAST_RIGHT = 0.98
"""Share of the outputs of a split that a trained model has to give right.

Its claim is a higher share, over all inputs. Those of a split are fewer, and nearer to
each other.
"""

_SIDES = ("clean", "corrupt")
_WRITER = re.compile(r"parquet-cpp-arrow version [0-9]{1,4}(\.[0-9]{1,4}){1,3}")


@dataclass(frozen=True)
class TableCheck:
    """What comparing a table with the one that is expected found.

    Attributes:
        same_bytes: whether the files are the same.
        wrong: rows that are not as expected, by number: (said or None, expected or
            None).
        differences: what is wrong with the file besides its rows.
    """

    same_bytes: bool
    wrong: tuple[tuple[int, Any, Any], ...] = ()
    differences: tuple[Difference, ...] = ()


def compare_tables(
    file: str, said: bytes, expected: bytes, schema: pa.Schema = SCHEMA
) -> TableCheck:
    """Return how a Parquet file differs from the one that is expected.

    The same rows may stand in other bytes where another version of the library wrote
    them; where this version says that it did, the bytes have to be the same too.

    Raises:
        FormatError: it is no such table.
    """
    if said == expected:
        return TableCheck(True)
    rows = [from_parquet(data, file, schema).to_pylist() for data in (said, expected)]
    wrong = tuple(
        (number, one, other)
        for number, (one, other) in enumerate(zip_longest(*rows))
        if one != other
    )
    ours = pq.ParquetFile(io.BytesIO(expected)).metadata.created_by
    return TableCheck(False, wrong, tuple(_encoding(file, said, not wrong, ours)))


def _encoding(file: str, said: bytes, same: bool, ours: str) -> Iterator[Difference]:
    """Yield what is wrong with how rows, the same or others, are stored."""
    read = pq.ParquetFile(io.BytesIO(said))
    texts = {key for field in read.schema_arrow for key in field.metadata or {}}
    writer = str(read.metadata.created_by)
    if read.metadata.metadata or texts - {b"PARQUET:field_id"}:
        yield Difference(file, "metadata", "metadata", "none")
    elif not _WRITER.fullmatch(writer):
        yield Difference(file, "created_by", shown(writer), shown(ours))
    elif writer == ours and same:
        wording = f"bytes that {ours} does not write for these rows"
        yield Difference(file, "", wording, "the bytes that it writes")


def judge_rows(
    model: Model,
    file: str,
    wrong: Sequence[tuple[int, Any, Any]],
    causal: Task | None = None,
    seed: int = 0,
) -> list[Difference]:
    """Return what is wrong with rows that are not the ones drawn.

    Args:
        model: the release's.
        file: the file's name.
        wrong: rows by number, as in `TableCheck`.
        causal: the model's task, where that is none of the zoo.
        seed: of the pairs.
    """
    found: list[Difference] = []
    judged = wrong[:MOST_JUDGED]
    readable = {}
    for number, said, expected in judged:
        place = f"row {number}"
        if said is None or expected is None:
            wording = "no row" if said is None else "a row more"
            right = "one more" if said is None else "no row"
            found.append(Difference(file, place, wording, right))
            continue
        problems = list(_tokens(model, file, place, said))
        found += problems
        if not problems:
            readable[number] = said
    outputs = _outputs(model, list(readable.values()), causal)
    for (number, said), given in zip(readable.items(), outputs, strict=True):
        place = f"row {number}"
        problems = list(_row(model, file, place, said, *given))
        wording = f"the pair {shown(said['clean'])}, {shown(said['corrupt'])}"
        drawn = next(e for n, _, e in judged if n == number)
        right = f"{shown(drawn['clean'])}, {shown(drawn['corrupt'])}: seed {seed}"
        found += problems or [Difference(file, place, wording, right)]
    if len(wrong) > len(judged):
        more = f"{len(wrong):,} rows that differ from the drawn ones"
        found.append(Difference(file, "", more, "none"))
    return found


def _tokens(
    model: Model, file: str, place: str, row: dict[str, Any]
) -> Iterator[Difference]:
    """Yield what is wrong with the inputs of a row."""
    vocab, config = model.typed.vocab, model.config
    known = {spell(token) for token in vocab}
    for side in _SIDES:
        words, ids = row[side] or [], row[f"{side}_ids"] or []
        strange = [i for i, word in enumerate(words) if word not in known]
        if not 1 <= len(words) <= model.typed.max_len:
            right = f"1 to {model.typed.max_len}"
            yield Difference(file, f"{place}, {side}", f"{len(words)} tokens", right)
        elif strange:
            where = f"{place}, {side}[{strange[0]}]"
            yield Difference(file, where, shown(words[strange[0]]), "a known token")
        else:
            numbers = list(ids[1 : len(words) + 1])
            fits = all(n is not None and 0 <= n < len(vocab) for n in numbers)
            named = [spell(vocab[n]) for n in numbers] if fits else []
            rest = [config.pad_id] * (config.n_ctx - 1 - len(words))
            if named != words or list(ids) != [config.bos_id, *numbers, *rest]:
                where = f"{place}, {side}_ids"
                yield Difference(file, where, shown(ids), f"the ids of {side}")
    if len(row["clean"] or []) != len(row["corrupt"] or []):
        sizes = [str(len(row[side] or [])) for side in reversed(_SIDES)]
        yield Difference(file, f"{place}, corrupt", f"{sizes[0]} tokens", sizes[1])


def _outputs(
    model: Model, rows: Sequence[dict[str, Any]], causal: Task | None
) -> list[tuple[list[Any], list[Any], list[str]]]:
    """Return of each row the interpreter's outputs, the model's, and all variables.

    The first two hold a list a side, spelled; the last the names that differ.
    """
    if not rows:
        return []
    ids = np.array([row[f"{side}_ids"] for row in rows for side in _SIDES], np.int32)
    trace = trace_of(model, ids, causal)
    logits = clean_logits(model, ids)
    found = []
    for start in range(0, len(ids), 2):
        size = int(trace.lengths[start])
        exact, models = [], []
        for row in (start, start + 1):
            values = trace.decoded(model.typed.output, row)[:size]
            exact.append([spell(v) for v in values])
            decoded = decode_logits(model.readout, logits[row, 1 : size + 1])
            models.append([spell(v) for v in decoded])
        names = [
            variable.name
            for variable, cells in zip(model.typed.variables, trace.values, strict=True)
            if (cells[start, :size] != cells[start + 1, :size]).any()
        ]
        found.append((exact, models, names))
    return found


def _row(
    model: Model,
    file: str,
    place: str,
    row: dict[str, Any],
    exact: list[Any],
    models: list[Any],
    names: list[str],
) -> Iterator[Difference]:
    """Yield what is wrong with the outputs of a row."""
    size = len(row["clean"])
    for side, right, other in zip(_SIDES, exact, models, strict=True):
        said = row[f"{side}_outputs"] or []
        if len(said) != size:
            where = f"{place}, {side}_outputs"
            yield Difference(file, where, f"{len(said)} outputs", str(size))
            continue
        for i in range(size):
            if said[i] != right[i]:
                same = other[i] == right[i]
                model_says = "the same" if same else shown(other[i])
                wording = f"{shown(right[i])} (interpreter; the model: {model_says})"
                where = f"{place}, {side}_outputs[{i}]"
                yield Difference(file, where, shown(said[i]), wording)
                break
    at = row["position"]
    if at is None or not 0 <= at < size:
        yield Difference(file, f"{place}, position", shown(at), f"below {size}")
        return
    if exact[0][at] == exact[1][at]:
        wording = "a place where outputs differ"
        yield Difference(file, f"{place}, position", shown(at), wording)
    for side, right in zip(_SIDES, exact, strict=True):
        if row[f"{side}_answer"] != right[at]:
            where = f"{place}, {side}_answer"
            yield Difference(
                file, where, shown(row[f"{side}_answer"]), shown(right[at])
            )
    if row["variables"] != names:
        where = f"{place}, variables"
        yield Difference(file, where, shown(row["variables"]), shown(names))


def share_right(
    model: Model, rows: Sequence[dict[str, Any]], causal: Task | None = None
) -> float:
    """Return the share of the outputs of some rows that the model gives.

    Args:
        model: the release's.
        rows: as `draw_rows` made them, so that their ids can be believed.
        causal: the model's task, where that is none of the zoo.
    """
    ids = np.array([row[f"{side}_ids"] for row in rows for side in _SIDES], np.int32)
    labels: Int[np.ndarray, "input seq"] = _labels(
        trace_of(model, ids, causal), ids.shape[1]
    )
    logits = jnp.asarray(clean_logits(model, ids))
    right = np.asarray(is_correct(model.readout, logits, np.maximum(labels, 0)))
    live = labels >= 0
    return float((right & live).sum() / max(int(live.sum()), 1))


def _labels(trace: Trace, n_ctx: int) -> Int[np.ndarray, "input ctx"]:
    """Return the index of the output at every position; -1 where there is none."""
    cells = np.full((len(trace.output), n_ctx), -1, np.int32)
    size = min(trace.output.shape[1], n_ctx - 1)
    cells[:, 1 : size + 1] = trace.output[:, :size]
    live = np.arange(n_ctx)[None, :] <= trace.lengths[:, None]
    return np.where(live, cells, -1)
