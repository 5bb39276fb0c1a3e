"""The vectorised interpreter: the oracle for compiled and trained models.

Runs a typed program on a batch of inputs, any variables overridden. Written from
the language's definition; it shares no code with the lowering. Values are indices
into domains, -1 where a value is undefined.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.errors import InputError, unknown_name
from compiler.ir import typed as t
from compiler.rasp.values import UNDEFINED, Value, canonical, show, show_many, unordered

Indices = NDArray[np.int32]

# Cells of a selector, [key, query, batch]; a chunk keeps that below about 64 MB.
_CHUNK_CELLS = 8_000_000


@dataclass(frozen=True, eq=False)
class Trace:
    """What every variable holds: [variable] of [batch, seq] domain indices."""

    typed: t.Typed
    values: tuple[Indices, ...]
    tokens: Indices
    lengths: NDArray[np.int64]

    @property
    def output(self) -> Indices:
        """The result: [batch, seq] domain indices."""
        return self.values[self.typed.output]

    def input(self, row: int) -> list[Value]:
        """Return the tokens of one sequence."""
        cells = self.tokens[row, : self.lengths[row]]
        return [self.typed.vocab[c] for c in cells]

    def decoded(self, variable: int, row: int) -> list[Value]:
        """Return the values of one variable in one sequence."""
        domain = self.typed.variables[variable].domain.values
        cells = self.values[variable][row, : self.lengths[row]]
        return [UNDEFINED if c < 0 else domain[c] for c in cells]


def interpret(
    typed: t.Typed,
    tokens: Indices,
    lengths: NDArray[np.int64],
    overrides: Mapping[int, Indices] | None = None,
) -> Trace:
    """Return what every variable holds.

    Args:
        typed: the program.
        tokens: [batch, seq] indices into the vocabulary; anything past the length.
        lengths: [batch] number of tokens.
        overrides: by variable, [batch, seq] domain indices that replace what it
            would compute; -2 in a cell leaves that cell as computed.
    """
    overrides = overrides or {}
    batch, seq = tokens.shape
    size = max(1, _CHUNK_CELLS // max(1, seq * seq))
    if batch <= size:
        return _interpret(typed, tokens, lengths, overrides)
    parts = [
        _interpret(
            typed,
            tokens[start : start + size],
            lengths[start : start + size],
            {k: v[start : start + size] for k, v in overrides.items()},
        )
        for start in range(0, batch, size)
    ]
    values = tuple(
        np.concatenate([p.values[i] for p in parts])
        for i in range(len(parts[0].values))
    )
    return Trace(typed, values, tokens, lengths)


def _interpret(
    typed: t.Typed,
    tokens: Indices,
    lengths: NDArray[np.int64],
    overrides: Mapping[int, Indices],
) -> Trace:
    run = _Run(typed, tokens, lengths)
    for index, variable in enumerate(typed.variables):
        given = overrides.get(index)
        if given is None:
            value = run.compute(variable)
        elif (given == -2).any():
            value = run.compute(variable)
            value = np.where(given == -2, value, given).astype(np.int32)
        else:  # all of it is given
            value = given.astype(np.int32)
        run.values.append(value)
    return Trace(typed, tuple(run.values), tokens, lengths)


class _Run:
    """One pass over the variables of a program, for one chunk of inputs.

    Selectors are [key, query, batch] here: sums and extremes over keys then run along
    whole rows of memory, which takes a fifth of the time.
    """

    def __init__(self, typed: t.Typed, tokens: Indices, lengths: NDArray) -> None:
        self.typed, self.tokens, self.lengths = typed, tokens, lengths
        self.values: list[Indices] = []
        batch, self.seq = tokens.shape
        exists = np.arange(self.seq)[:, None] < lengths[None, :]
        sight = np.tri(self.seq, dtype=bool).T[:, :, None] if typed.causal else np.True_
        # [key, query, batch]
        self.visible = np.broadcast_to(
            exists[:, None, :] & sight, (self.seq, self.seq, batch)
        )

    def compute(self, variable: t.Variable) -> Indices:
        match variable.operation:
            case t.Input(kind=kind):
                return self.primitive(kind)
            case t.Fixed():
                return np.zeros(self.tokens.shape, np.int32)
            case t.Table() as table:
                return _look_up(table.table, [self.values[a] for a in table.args])
            case t.Width() as width:
                chosen, clear = self.select(width.selector)
                return _where(clear, width.lookup[_count(chosen)])
            case t.Mean() as mean:
                return self.mean(mean)
            case t.Pick() as pick:
                return self.pick(pick)

    def primitive(self, kind: str) -> Indices:
        if kind == "tokens":
            return self.tokens.astype(np.int32)
        if kind == "indices":
            row = np.arange(self.seq, dtype=np.int32)
            return np.broadcast_to(row, self.tokens.shape).copy()
        column = (self.lengths - 1).astype(np.int32)[:, None]
        return np.broadcast_to(column, self.tokens.shape).copy()

    def select(self, formula: t.Formula) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return [key, query, batch] what is selected, and [query, batch] defined."""
        chosen = self.evaluate(formula) & self.visible
        clear = np.ones(chosen.shape[1:], dtype=bool)
        for atom in t.atoms(formula):
            keys, queries = self.values[atom.key].T, self.values[atom.query].T
            if (keys < 0).any() or (queries < 0).any():
                unclear = (keys < 0)[:, None, :] & self.visible
                clear &= (queries >= 0) & ~unclear.any(axis=0)
        return chosen, clear

    def evaluate(self, formula: t.Formula) -> NDArray[np.bool_]:
        match formula:
            case t.Truth():
                return np.broadcast_to(np.bool_(formula.value), self.visible.shape)
            case t.Atom():
                keys = self.values[formula.key].T.astype(np.intp)
                queries = self.values[formula.query].T.astype(np.intp)
                cells = (keys * formula.allowed.shape[1])[:, None, :] + queries
                # What is undefined, -1, may take any cell: `select` says where.
                return formula.allowed.reshape(-1).take(cells, mode="wrap")
            case t.Junction(kind="not"):
                return ~self.evaluate(formula.parts[0])
            case t.Junction(kind="and"):
                return np.logical_and.reduce([self.evaluate(p) for p in formula.parts])
            case t.Junction():
                return np.logical_or.reduce([self.evaluate(p) for p in formula.parts])

    def mean(self, mean: t.Mean) -> Indices:
        chosen, clear = self.select(mean.selector)
        values = self.values[mean.value].T
        numbers = mean.numerators[values]
        bad = (values < 0) | ~mean.numeric[values]
        if bad.any():
            clear = clear & ~(chosen & bad[:, None, :]).any(axis=0)
        count = _count(chosen)
        total = np.where(chosen, numbers[:, None, :], 0).sum(axis=0) - mean.lowest
        total = np.clip(total, 0, mean.lookup.shape[1] - 1)
        result = np.where(count == 0, mean.default, mean.lookup[count, total])
        return _where(clear, result)

    def pick(self, pick: t.Pick) -> Indices:
        chosen, clear = self.select(pick.selector)
        # In this variable's domain, which is in the order of `sort_key`; the tokens'
        # own is in the order of the vocabulary.
        held = self.values[pick.value].T
        values = np.where(held < 0, -1, pick.recode[held]).astype(np.int32)
        if (values < 0).any():
            clear = clear & ~(chosen & (values < 0)[:, None, :]).any(axis=0)
        size = max(1, int(pick.recode.max()) + 1)
        some = chosen.any(axis=0)
        match pick.rule:
            case "unique" | "one_or_mean":
                picked = _least(chosen, values, size)
                clear = clear & (~some | (picked == _greatest(chosen, values)))
            case "min":
                picked = _least(chosen, values, size)
            case "max":
                picked = _greatest(chosen, values)
            case "first":
                picked = _at_end(chosen[::-1], values[::-1])
            case "last":
                picked = _at_end(chosen, values)
            case _:
                held_at = values[:, None, :]
                counts = [_count(chosen & (held_at == v)) for v in range(size)]
                picked = np.stack(counts).argmax(axis=0)
        return _where(clear, np.where(some, picked, pick.default))


def _count(chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
    return chosen.sum(axis=0, dtype=np.int32)


def _least(chosen: NDArray[np.bool_], values: Indices, none: int) -> Indices:
    return np.where(chosen, values[:, None, :], np.int32(none)).min(axis=0)


def _greatest(chosen: NDArray[np.bool_], values: Indices) -> Indices:
    return np.where(chosen, values[:, None, :], np.int32(-1)).max(axis=0)


def _at_end(chosen: NDArray[np.bool_], values: Indices) -> Indices:
    """Return [query, batch] the value at the last key that is selected, else -1."""
    picked = np.full(chosen.shape[1:], -1, np.int32)
    for here, value in zip(chosen, values, strict=True):
        np.copyto(picked, value, where=here)
    return picked


def selected(trace: Trace, formula: t.Formula) -> NDArray[np.bool_]:
    """Return [batch, query, key] which positions a selector selects in a run."""
    run = _Run(trace.typed, trace.tokens, trace.lengths)
    run.values = list(trace.values)
    return np.ascontiguousarray(run.select(formula)[0].transpose(2, 1, 0))


def _where(clear: NDArray[np.bool_], value: NDArray) -> Indices:
    """Return [batch, seq] the values that are defined, of [seq, batch]; else -1."""
    found = np.where(clear, value, -1).astype(np.int32)
    return np.ascontiguousarray(found.T)


def _look_up(table: NDArray[np.int32], args: Sequence[Indices]) -> Indices:
    """Return table[args]; an undefined argument gives an undefined result."""
    result = table[tuple(args)]
    undefined = np.logical_or.reduce([a < 0 for a in args])
    return np.where(undefined, -1, result).astype(np.int32)


def encode_batch(
    typed: t.Typed, sequences: Sequence[Sequence[Value]]
) -> tuple[Indices, NDArray[np.int64]]:
    """Return ([batch, max_len] token indices, [batch] lengths).

    Raises:
        InputError: a sequence is empty, too long, or holds an unknown token.
    """
    if unordered(sequences):
        raise InputError(
            f"{typed.name}: the inputs are a set, which has no order; give a list"
        )
    if isinstance(sequences, str | bytes) or not isinstance(sequences, Sized):
        raise InputError(
            f"{typed.name}: the inputs are {sequences!r:.60}, a "
            f"{type(sequences).__name__}; give a list of sequences of tokens"
        )
    tokens = np.zeros((len(sequences), typed.max_len), np.int32)
    lengths = np.zeros(len(sequences), np.int64)
    place = {(type(v).__name__, v): i for i, v in enumerate(typed.vocab)}
    for row, sequence in enumerate(sequences):
        if not isinstance(sequence, Iterable):
            raise InputError(
                f"{typed.name}: the input is {sequence!r}, a "
                f"{type(sequence).__name__}; give a sequence of tokens"
            )
        if unordered(sequence):
            raise InputError(
                f"{typed.name}: the input is a set, which has no order; give a list of "
                "tokens"
            )
        check_length(len(sequence), typed.max_len, typed.name)
        for column, token in enumerate(sequence):
            known = isinstance(token, Hashable)
            index = place.get((type(token).__name__, token)) if known else None
            if index is None:
                index = lenient_index(typed, token, column)
            tokens[row, column] = index
        lengths[row] = len(sequence)
    return tokens, lengths


def check_length(count: int, max_len: int, name: str) -> None:
    """Raise InputError unless 1 <= count <= max_len."""
    if count == 0:
        raise InputError(
            f"{name}: the input is empty; give between 1 and {max_len} tokens"
        )
    if count > max_len:
        raise InputError(
            f"{name}: the input has {count} tokens, and the model takes at most "
            f"{max_len}; compile it with a larger max_len"
        )


def lenient_index(typed: t.Typed, token: Value, column: int) -> int:
    """Return the index of a token given as an equal number (1.0 for 1)."""
    try:
        index = typed.vocab.index(canonical(token))
    except (ValueError, TypeError):
        index = -1
    if index < 0 or token is None or isinstance(token, bool):
        raise InputError(
            f"{typed.name}: the token at position {column} is {show(token)}, which is "
            f"not in the vocabulary ({show_many(typed.vocab)}); use tokens of it, or "
            "compile with another vocabulary"
        )
    return index


def overrides_from_values(
    typed: t.Typed, given: Mapping[str, Sequence[Value]], lengths: NDArray[np.int64]
) -> dict[int, Indices]:
    """Return overrides for one sequence from values by variable name.

    Raises:
        NameLookupError: there is no such variable.
        InputError: a value is outside the variable's domain, or the count is wrong.
    """
    result: dict[int, Indices] = {}
    if not isinstance(given, Mapping):
        raise InputError(
            f"the overrides are a {type(given).__name__}; give a dictionary from a "
            "variable's name to its values"
        )
    for name, values in given.items():
        index = typed.index(name)
        if index < 0:
            raise unknown_name("variable", name, [v.name for v in typed.variables])
        domain = typed.variables[index].domain
        if not isinstance(values, Sized):
            raise InputError(
                f"override of {name!r} is {values!r:.60}; give a list, a value for "
                f"each of the {lengths[0]} tokens"
            )
        if len(values) != lengths[0]:
            raise InputError(
                f"override of {name!r} has {len(values)} values for an input of "
                f"{lengths[0]} tokens; give one a position"
            )
        row = np.full((1, typed.max_len), -2, np.int32)
        for column, value in enumerate(values):
            row[0, column] = domain.index(value)
            if row[0, column] < 0:
                raise InputError(
                    f"override of {name!r} at position {column} is {show(value)}, "
                    f"outside its domain ({show_many(domain.values)})"
                )
        result[index] = row
    return result
