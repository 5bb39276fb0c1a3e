"""What `import zoo` offers: compile, save and load models.

The functions behind the names of `zoo/__init__.py`. Compiling needs NumPy only; jax
is imported when a model is run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import programs as library
from compiler.api import compile_model
from compiler.model import Model
from compiler.passes.infer import Limits
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value


def compile(
    source: str | Program | SOp,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    *,
    causal: bool | None = None,
    max_table: int | None = None,
    max_domain: int | None = None,
    rotate: int | None = None,
    permute_heads: int | None = None,
    decoys: int = 0,
    beside: str | Program | SOp | None = None,
    seed: int = 0,
) -> Model:
    """Return the transformer that computes a program, exactly.

    Args:
        source: a program's name, a Program, or a RASP expression.
        vocab: the tokens, in order; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.
        causal: whether positions see only themselves and earlier ones.
        max_table: the most combinations of arguments of one element-wise function.
        max_domain: the most values of one variable.
        rotate: seed of a random orthogonal basis of the residual stream.
        permute_heads: seed of a random order of each layer's heads.
        decoys: how many heads each layer gets that nothing reads.
        beside: a second program, computed in the same model and read by nothing.
        seed: what the decoys are drawn from.

    Raises:
        NameLookupError: no program has that name; the nearest are offered.
        InputError: the vocabulary, the length or an option cannot be used.
        ProgramError: the program cannot be typed or lowered; lists every problem.
    """
    return compile_model(
        find(source),
        vocab,
        max_len,
        causal=causal,
        limits=limits(max_table, max_domain),
        rotate=rotate,
        permute_heads=permute_heads,
        decoys=decoys,
        beside=None if beside is None else find(beside),
        seed=seed,
    )


def limits(max_table: int | None = None, max_domain: int | None = None) -> Limits:
    """Return the compiler's limits, with those that are given raised or lowered."""
    usual = Limits()
    return Limits(
        usual.table if max_table is None else max_table,
        usual.domain if max_domain is None else max_domain,
    )


def find(source: str | Program | SOp) -> Program | SOp:
    """Return the program of that name, or what was given."""
    return library.find(source) if isinstance(source, str) else source


def programs() -> dict[str, Program]:
    """Return every program of the library by name."""
    return dict(library.all_programs())


def load(folder: str | Path) -> Model:
    """Return the model in a folder that `save` or `zoo compile` wrote.

    Raises:
        FormatError: it is no such folder, or it is truncated, altered or newer.
    """
    from compiler.save import load_model

    return load_model(Path(folder))


def save(model: Model, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write a model into a folder, all of it or nothing.

    Args:
        model: any model.
        folder: where to.
        overwrite: whether a folder that is there already is replaced.
    """
    from compiler.save import save_model

    save_model(model, Path(folder), overwrite=overwrite)
