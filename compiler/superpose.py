"""A transformer that computes more ANDs than it has neurons: `superpose` is here.

After Hänni, Mendel, Vaintrob and Chan 2024; see docs/superposition.md.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from compiler.errors import InputError
from compiler.lower.options import random_basis, turn
from compiler.lower.readout import Readout
from compiler.machine.circuit import Circuit, Site
from compiler.machine.names import Names
from compiler.machine.weights import freeze
from compiler.model import Model
from compiler.superposed.activity import Activity
from compiler.superposed.arrays import make_arrays, make_config
from compiler.superposed.bound import worst_sets
from compiler.superposed.features import Axes, features_of_sets, rows_of
from compiler.superposed.layout import FACT, StreamLayout, and_names, has_names
from compiler.superposed.program import ANSWER, TOKENS, and_program
from compiler.superposed.sets import NeuronSets, choose_sets

FAMILY = "superposed"
CARRIED = {
    "tokens->a0.h0<q>": TOKENS,
    "tokens->a0.h0<k>": TOKENS,
    "tokens->a0.h0<v>": TOKENS,
    "a0.h0->m0": "has",
    "tokens->a1.h0<q>": TOKENS,
    "tokens->a1.h0<k>": TOKENS,
    "tokens->a1.h0<v>": TOKENS,
    "m0->a1.h0<k>": "ands",
    "a1.h0->logits": ANSWER,
}


def superpose(
    n_inputs: int,
    *,
    sparsity: int = 2,
    d_mlp: int | None = None,
    seed: int = 0,
    rotate: int | None = None,
    zipf: float = 0.0,
    together: float = 0.0,
    nested: float = 0.0,
) -> Model:
    """Return a transformer that answers which ANDs of its inputs are true.

    An input such as `["x3", "x0&x7", "x7", "x0"]` has the literals of the inputs that
    are on, and a question; the output at the question is whether that AND is true.
    All ANDs of inputs of different columns are computed at once by one MLP, which has
    fewer neurons than ANDs. `model.features` are the directions of everything; the
    stream has fewer dimensions than these. Right for at most `sparsity` literals, none
    of them twice: `bound_readings(model)` computes this from the weights.

    Args:
        n_inputs: how many inputs there are, best the square of a prime: 25, 49.
        sparsity: how many of them may be on at once, 2 to 12.
        d_mlp: the most neurons; the least that will do if None. With twice as many,
            a reading is off by half as much.
        seed: of the sets of inputs that neurons read.
        rotate: seed of a random orthogonal basis of the residual stream.
        zipf: exponent of the frequencies with which inputs are on, where inputs of
            the model are drawn; 0 for all alike.
        together: probability that the next input is a partner of one that is on.
        nested: share of the inputs that are never on without their parent.

    Raises:
        InputError: the sizes cannot be; says which would do.
    """
    activity = Activity(zipf=zipf, together=together, nested=nested)
    sets = choose_sets(n_inputs, sparsity, d_mlp, seed)
    if rotate is not None and (not isinstance(rotate, int) or rotate < 0):
        raise InputError(f"superpose: rotate is {rotate!r}; give a seed, 0 or more")
    config, name = make_config(sets, sparsity), f"universal-and-{n_inputs}-{sparsity}"
    errors = [_error(sets, sparsity), _error(sets, sparsity + 1)]
    apart = errors[1] < 1
    # The threshold is in the middle of what has to be told apart.
    exact, axes = make_arrays(sets, config, errors[apart]), np.eye(config.d_model)
    if rotate is not None:
        axes = random_basis(config.d_model, rotate)
        exact = turn(exact, axes, np.ones(config.d_model))
    typed = and_program(sets, config.n_ctx - 1, name)
    embedded = exact.W_E[: len(typed.vocab)]
    sizes = {"n_inputs": n_inputs, "sparsity": sparsity, "d_mlp": sets.d_mlp}
    facts = {
        "family": FAMILY,
        "meaning": "whether the two inputs that the token names are both on",
        FACT: {
            **sizes,
            **{"seed": seed, "prime": sets.prime, "shared": sets.shared},
            "activity": activity.to_json(),
        },
    }
    return Model(
        name=name,
        typed=typed,
        config=config,
        weights=freeze(exact, np.float32),
        readout=Readout("classes", (False, True)),
        circuit=_circuit(sets, config.names, axes, apart),
        rows=rows_of(sets, embedded, axes),
        basis=None if rotate is None else axes,
        facts=MappingProxyType(facts),
        features=features_of_sets(sets, embedded, axes),
    )


def _error(sets: NeuronSets, sparsity: int) -> float:
    """Return the greatest reading of an AND that is false."""
    return float(worst_sets(sets.members, sets.pairs, sparsity)[0].max())


def _circuit(sets: NeuronSets, names: Names, axes: Axes, apart: bool) -> Circuit:
    """Return the circuit: the edges that are read, and where each variable is.

    ANDs are interchanged all together: their site is all that the node writes.

    Args:
        sets: the inputs and their pairs.
        names: of the transformer.
        axes: the direction of each dimension of the layout.
        apart: whether inputs are interchanged one by one, which can turn on one more
            than the sparsity; only where the bound holds for these.
    """
    at = StreamLayout(sets.n_inputs, sets.d_mlp)
    has, ands = has_names(sets.n_inputs), and_names(sets)
    sites = {TOKENS: Site("tokens")}
    for name, axis in zip(has, axes[at.has], strict=True):
        sites[name] = Site("a0.h0", axis[None] if apart else None)
    sites |= {name: Site("m0") for name in ands}
    sites[ANSWER] = Site("a1.h0", axes[at.answer][None])
    known = {"has": tuple(has), "ands": tuple(ands)}
    carries = {
        names.parse_edge(edge): known.get(carried, (carried,))
        for edge, carried in CARRIED.items()
    }
    return Circuit(names, tuple(carries), sites, carries)
