"""Graph -> Typed: the exact domain of every variable, every function a table.

All problems of a program are collected and raised together. This is the only
place that calls the functions of the program's author.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.errors import InputError, ProgramError
from compiler.ir import graph as g
from compiler.ir import typed as t
from compiler.ir.domain import (
    Domain,
    collect,
    constant_domain,
    image,
    indices_domain,
    length_domain,
    possible,
    tokens_domain,
)
from compiler.ir.formula import with_atoms
from compiler.passes.conjuncts import satisfiable
from compiler.passes.formulas import fold_formula, negate
from compiler.passes.means import TooManyMeans, reachable_means
from compiler.passes.select import at_most_one, bound, never_empty, width_domain
from compiler.rasp import operators
from compiler.rasp.evidence import WeighedVote
from compiler.rasp.expr import Comparison
from compiler.rasp.operators import place_of
from compiler.rasp.values import Value, canonical, is_number, show, show_many, sort_key

# An output of more numbers than this is read as a number, not as classes.
MANY_CLASSES = 40

# Calls that look for a function that answers differently from one call to the next.
_CALLED_AGAIN = 32


@dataclass(frozen=True)
class Limits:
    """Sizes above which a program is refused.

    Attributes:
        table: combinations of arguments of one element-wise function.
        domain: values of one variable.
        parameters: of the model. With more than 12 million (48 MB of weights, as much
            again for each gradient) compiling, saving and running take from half a
            minute to hours; the largest model of the library has 9 million.
    """

    table: int = 1_000_000
    domain: int = 20_000
    parameters: int = 12_000_000


class _Problem(Exception):
    """One problem with one expression; collected, never seen by callers."""


def infer_domains(
    graph: g.Graph,
    vocab: Sequence[Value],
    max_len: int,
    limits: Limits | None = None,
    only: Sequence[int] | None = None,
) -> t.Typed:
    """Return the program over `vocab`, for 1 to `max_len` tokens.

    Args:
        graph: the program.
        vocab: the tokens, in order.
        max_len: the greatest number of tokens.
        limits: sizes above which a program is refused.
        only: the one input that it will ever be run on, `max_len` indices into
            `vocab`; None if there may be any.

    Raises:
        ProgramError: with every expression that cannot be typed, what was found
            there, and the remedy.
    """
    inference = _Inference(graph, tuple(vocab), max_len, limits or Limits(), only)
    for index in range(len(graph.nodes)):
        inference.visit(index)
    if inference.problems:
        raise ProgramError(inference.problems, graph.name)
    return t.Typed(
        name=graph.name,
        variables=tuple(inference.variables),
        output=graph.output,
        causal=graph.causal,
        vocab=tuple(vocab),
        max_len=max_len,
        numerical=_is_numerical(
            graph.nodes[graph.output], inference.domains[graph.output]
        ),
        extra=graph.extra,
    )


def _is_numerical(node: g.Node, domain: Domain) -> bool:
    """Return whether an output is one number, not one of some classes.

    It is where the author said so, or where its numbers are many or no integers.
    """
    numbers = [v for v in domain.values if v is not None]
    if len(numbers) < 2 or not all(is_number(v) for v in numbers):
        return False
    fractions = any(isinstance(v, Fraction) for v in numbers)
    return node.numerical or fractions or len(numbers) > MANY_CLASSES


class _Inference:
    """The state of one walk over the graph."""

    def __init__(
        self,
        graph: g.Graph,
        vocab: tuple[Value, ...],
        max_len: int,
        limits: Limits,
        only: Sequence[int] | None,
    ) -> None:
        self.graph, self.vocab, self.max_len = graph, vocab, max_len
        self.limits, self.only = limits, only
        self.names = [n.name for n in graph.nodes]
        self.written = g.written_names(graph.nodes)
        self.variables: list[t.Variable] = []
        self.domains: list[Domain] = []
        self.problems: list[str] = []
        self.broken: set[int] = set()

    def visit(self, index: int) -> None:
        """Type one node; a node below a broken one is skipped, not reported."""
        node = self.graph.nodes[index]
        try:
            if self.broken & set(g.parents(node.operation)):
                raise _Problem("")
            operation, domain = self.type(node)
            if domain.size > self.limits.domain:
                raise _Problem(
                    f"it has {domain.size} values, above the limit of "
                    f"{self.limits.domain}. Lower max_len or the vocabulary, or raise "
                    "max_domain."
                )
        except _Problem as problem:
            self.broken.add(index)
            if str(problem):
                text = g.definition(node, self.written)
                where = g.place_in_program(node.name if node.named else None, text)
                self.problems.append(f"{where}: {problem}")
            operation, domain = t.Fixed(), constant_domain(None, self.max_len)
        self.domains.append(domain)
        self.variables.append(
            t.Variable(
                name=node.name,
                operation=operation,
                domain=domain,
                named=node.named,
                note=node.note,
                text=g.describe_node(node, self.names),
            )
        )

    def type(self, node: g.Node) -> tuple[t.Operation, Domain]:
        match node.operation:
            case g.Source(kind=kind):
                return t.Input(kind), self.primitive(kind)
            case g.Const(value=value):
                return t.Fixed(), constant_domain(value, self.max_len)
            case g.Apply():
                return self.tabulate(node.operation)
            case g.Width():
                return self.width(node.operation)
            case g.Gather(rule="mean"):
                return self.mean(node.operation)
            case g.Gather():
                return self.pick(node.operation)

    def primitive(self, kind: str) -> Domain:
        if kind == "indices":
            return indices_domain(self.max_len)
        if self.only is not None:
            if kind == "tokens":
                held = np.eye(len(self.vocab), dtype=bool)[list(self.only)]
                return Domain(self.vocab, held)
            lengths = length_domain(self.max_len)
            only_one = np.zeros_like(lengths.mask)
            only_one[:, -1] = True
            return Domain(lengths.values, only_one)
        if kind == "tokens":
            return tokens_domain(self.vocab, self.max_len)
        return length_domain(self.max_len)

    # Element-wise functions -------------------------------------------------------

    def tabulate(self, operation: g.Apply) -> tuple[t.Operation, Domain]:
        domains = [self.domains[a] for a in operation.args]
        shape = tuple(d.size for d in domains)
        if math.prod(shape) > self.limits.table:
            sizes = " x ".join(str(s) for s in shape)
            raise _Problem(
                f"its table would have {sizes} = {math.prod(shape)} entries, above "
                f"the limit of {self.limits.table}. Split it into steps of fewer "
                "arguments, or raise max_table."
            )
        live = _possible_unless_repeated(domains, operation.args)
        results: list[Value] = []
        cells: list[tuple[int, ...]] = []
        partial = np.zeros(shape, dtype=bool)
        failure: tuple[tuple[Value, ...], Exception] | None = None
        for cell in np.argwhere(live):
            place = tuple(int(c) for c in cell)
            arguments = tuple(d.values[c] for d, c in zip(domains, place, strict=True))
            try:
                results.append(canonical(operation.function(*arguments)))
                cells.append(place)
            except Exception as error:
                partial[place] = True
                failure = failure or (arguments, error)
        if failure and isinstance(operation.function, WeighedVote):
            shown = ", ".join(show(a) for a in failure[0])
            raise _Problem(f"on ({shown}), {failure[1]}")
        if not results and failure is None:
            names = ", ".join(repr(self.written[a]) for a in operation.args)
            raise _Problem(
                f"its arguments {names} are never defined at the same position. Give "
                "the functions they come from a result everywhere."
            )
        if not results:
            assert failure is not None
            raise _Problem(
                f"the function raises on every argument, for example on "
                f"({', '.join(show(a) for a in failure[0])}): "
                f"{type(failure[1]).__name__}: {failure[1]}"
                f"{place_of(operation.function)}. Give it a result there."
            )
        _require_repeatable(operation.function, domains, cells, results)
        values, places = collect(results)
        table = np.full(shape, -1, dtype=np.int32)
        if cells:
            table[tuple(np.array(cells).T)] = places
        domain = Domain(values, image(domains, table, len(values)))
        operation_ = t.Table(
            operation.args,
            table,
            partial if failure else None,
            _weights_of(operation.function),
        )
        return operation_, domain

    # Selectors --------------------------------------------------------------------

    def selector(self, formula: g.Formula) -> t.Formula:
        """Return a selector over domains, a constant where its atoms make it one."""
        selector = fold_formula(with_atoms(formula, self.atom))
        if not satisfiable(selector):
            return t.Truth(False)
        if not satisfiable(negate(selector)):
            return t.Truth(True)
        return selector

    def atom(self, atom: g.Atom) -> t.Atom:
        keys, queries = self.domains[atom.key], self.domains[atom.query]
        if keys.size * queries.size > self.limits.table:
            raise _Problem(
                f"a Select compares {keys.size} keys with {queries.size} queries, "
                f"above the limit of {self.limits.table} pairs. Raise max_table."
            )
        compared = _compare_integers(atom.predicate, keys.values, queries.values)
        if compared is not None:
            return t.Atom(atom.key, atom.query, compared)
        allowed = np.zeros((keys.size, queries.size), dtype=bool)
        for (i, key), (j, query) in itertools.product(
            enumerate(keys.values), enumerate(queries.values)
        ):
            try:
                answer = atom.predicate(key, query)
            except Exception as error:
                raise _Problem(
                    f"the predicate raises on key {show(key)} and query "
                    f"{show(query)}: {type(error).__name__}: {error}"
                    f"{place_of(atom.predicate)}. A predicate must answer for keys "
                    f"{show_many(keys.values)} and queries {show_many(queries.values)}."
                ) from None
            if not isinstance(answer, bool | np.bool_):
                raise _Problem(
                    f"the predicate returns {answer!r}, a {type(answer).__name__}, on "
                    f"key {show(key)} and query {show(query)}; it must return True or "
                    "False."
                )
            allowed[i, j] = answer
        cells = list(np.ndindex(*allowed.shape))
        answers = allowed.ravel().tolist()
        _require_repeatable(atom.predicate, [keys, queries], cells, answers)
        return t.Atom(atom.key, atom.query, allowed)

    def width(self, operation: g.Width) -> tuple[t.Operation, Domain]:
        selector = self.selector(operation.selector)
        bounds = bound(selector, self.sight_domains, self.graph.causal)
        domain = width_domain(bounds, self.graph.causal)
        lookup = np.full(self.max_len + 1, -1, dtype=np.int32)
        lookup[np.array(domain.values)] = np.arange(domain.size)
        return t.Width(selector, lookup), domain

    @property
    def sight_domains(self) -> list[Domain]:
        """The domains so far; at least one, so that max_len can be read off."""
        return self.domains or [indices_domain(self.max_len)]

    def mean(self, operation: g.Gather) -> tuple[t.Operation, Domain]:
        selector = self.selector(operation.selector)
        value = self.domains[operation.value]
        numeric = np.array([is_number(v) for v in value.values])
        if not numeric.any():
            raise _Problem(
                f"a mean needs numbers, and {self.written[operation.value]!r} holds "
                f"{show_many(value.values)}. Take one value with rule='first', or "
                "annotate nothing and aggregate a categorical."
            )
        fractions = [Fraction(v) if is_number(v) else Fraction(0) for v in value.values]
        denominator = math.lcm(*(f.denominator for f in fractions))
        numerators = np.array([int(f * denominator) for f in fractions], dtype=np.int64)
        bounds = bound(selector, self.sight_domains, self.graph.causal)
        try:
            means = reachable_means(
                bounds,
                value.mask & numeric,
                numerators,
                self.graph.causal,
                self.limits.table,
            )
        except TooManyMeans as error:
            raise _Problem(str(error)) from None
        empty = ~never_empty(bounds)
        default = operation.default.value
        values, domain_mask, lookup, default_index = means.results(
            denominator, default, empty
        )
        domain = Domain(values, domain_mask)
        return (
            t.Mean(
                selector,
                operation.value,
                numerators,
                numeric,
                denominator,
                default_index,
                lookup,
                means.lowest,
            ),
            domain,
        )

    def pick(self, operation: g.Gather) -> tuple[t.Operation, Domain]:
        selector = self.selector(operation.selector)
        value = self.domains[operation.value]
        bounds = bound(selector, self.sight_domains, self.graph.causal)
        # [query position, value]: some position that may be selected may hold it.
        mask = (bounds.may.astype(np.float32) @ value.mask.astype(np.float32)) > 0
        empty = ~never_empty(bounds)
        results = [v for i, v in enumerate(value.values) if mask[:, i].any()]
        kept = mask.any(axis=0)
        if empty.any() or not results:
            results.append(operation.default.value)
        values, places = collect(results)
        recode = np.full(value.size, -1, dtype=np.int32)
        recode[np.flatnonzero(kept)] = places[: int(kept.sum())]
        domain_mask = np.zeros((self.max_len, len(values)), dtype=bool)
        for source in np.flatnonzero(kept):
            domain_mask[:, recode[source]] |= mask[:, source]
        default = -1
        if empty.any() or not kept.any():
            default = places[-1]
            domain_mask[:, default] |= empty
        single = (mask.sum(axis=1) <= 1).all()
        proven = bool(
            operation.rule != "unique"
            or single
            or at_most_one(selector, self.sight_domains, bounds)
        )
        pick = t.Pick(
            selector, operation.value, recode, default, operation.rule, proven
        )
        return pick, Domain(values, domain_mask)


def _weights_of(function: Callable[..., Any]) -> tuple[int, ...] | None:
    """Return the weights of a sum of evidence; None of any other function."""
    return function.weights if isinstance(function, WeighedVote) else None


_COMPARE = {
    Comparison.EQ: np.equal,
    Comparison.NEQ: np.not_equal,
    Comparison.LT: np.less,
    Comparison.LEQ: np.less_equal,
    Comparison.GT: np.greater,
    Comparison.GEQ: np.greater_equal,
}


def _compare_integers(
    predicate: Callable[..., Any], keys: Sequence[Value], queries: Sequence[Value]
) -> NDArray[np.bool_] | None:
    """Return which pairs a comparison allows; None if it is not one of small integers.

    It is what a call for each pair gives: at 500 positions these are 250,000 calls.
    """
    every = (*keys, *queries)
    small = all(type(v) is int and abs(v) < 2**62 for v in every)
    if not isinstance(predicate, Comparison) or predicate not in _COMPARE or not small:
        return None
    sides = np.array(keys, np.int64)[:, None], np.array(queries, np.int64)[None, :]
    return np.asarray(_COMPARE[predicate](*sides))


def _require_repeatable(
    function: Callable[..., Any],
    domains: Sequence[Domain],
    cells: Sequence[tuple[int, ...]],
    results: Sequence[Value],
) -> None:
    """Call a function again, at some of its arguments: a table holds one result each.

    Raises:
        _Problem: it gives another result than before.
    """
    own = getattr(function, "__module__", None) == operators.__name__
    if own or isinstance(function, Comparison):
        return  # the language's own, which have no state
    chosen = range(0, len(cells), -(-len(cells) // _CALLED_AGAIN) or 1)
    for k in itertools.islice(itertools.cycle(chosen), _CALLED_AGAIN):
        arguments = [d.values[c] for d, c in zip(domains, cells[k], strict=True)]
        again: Any
        try:
            again = show(canonical(function(*arguments)))
        except Exception as error:
            again = f"{type(error).__name__}: {error}"
        if again != show(results[k]):
            called = ", ".join(map(show, arguments))
            raise _Problem(
                f"its function gives {show(results[k])} for ({called}), and {again} "
                "when it is called again. A function must depend on its arguments "
                "alone: no random numbers, no counters, no state."
            )


def _possible_unless_repeated(
    domains: list[Domain], args: tuple[int, ...]
) -> np.ndarray:
    """Return which combinations can meet; the same variable twice is equal twice."""
    live = possible(domains)
    for first, second in itertools.combinations(range(len(args)), 2):
        if args[first] == args[second]:
            view = [1] * len(args)
            view[first] = view[second] = domains[first].size
            live = live & np.eye(domains[first].size, dtype=bool).reshape(view)
    return live


def check_vocabulary(vocab: Sequence[Value], max_len: int) -> tuple[Value, ...]:
    """Return the vocabulary in canonical form.

    Raises:
        InputError: it is empty, repeats itself, mixes types other than numbers and
            strings, or holds None, or the length is not a positive integer.
    """
    if isinstance(max_len, bool) or not isinstance(max_len, int) or max_len < 1:
        raise InputError(f"max_len is {max_len!r}; it must be an integer of at least 1")
    try:
        values = tuple(canonical(v) for v in vocab)
    except TypeError as error:
        raise InputError(f"the vocabulary cannot be used: {error}") from None
    if not values:
        raise InputError("the vocabulary is empty; give at least one token")
    if any(v is None for v in values):
        raise InputError(
            "the vocabulary holds None, which stands for 'nothing selected'; use "
            "another token, such as 'none'"
        )
    kinds = sorted({_kind(v) for v in values})
    if len(kinds) > 1 and kinds != ["numbers", "strings"]:
        raise InputError(
            f"the vocabulary mixes {' and '.join(kinds)}: {show_many(values)}; use "
            "tokens of one type, or numbers and strings"
        )
    repeated = sorted({v for v in values if values.count(v) > 1}, key=sort_key)
    if repeated:
        raise InputError(
            f"the vocabulary holds {show_many(repeated)} more than once; tokens must "
            "be distinct"
        )
    return values


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "booleans"
    if is_number(value):
        return "numbers"
    return "strings" if isinstance(value, str) else "tuples"
