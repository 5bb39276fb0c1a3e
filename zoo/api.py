"""What `import zoo` offers: compile, save and load models.

The functions behind the names of `zoo/__init__.py`. Compiling needs NumPy only; jax
is imported when a model is run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import programs as library
from compiler.api import compile_model
from compiler.errors import InputError, NameLookupError, nearest, unknown_name
from compiler.model import Model
from compiler.passes.infer import Limits
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value
from zoo.files import MODEL

if TYPE_CHECKING:
    from zoo.alignment.report import AlignmentReport
    from zoo.auditing.certificate import Certificate
    from zoo.cases.case import Case
    from zoo.causal.model import CausalModel, Task
    from zoo.compression.compress import Compression
    from zoo.dictionary.report import DictionaryReport
    from zoo.scoring.report import Report
    from zoo.scoring.table import Table
    from zoo.training.outcome import Result
    from zoo.training.recipe import Recipe


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
    from zoo.tasks import all_tasks

    if not isinstance(source, str):
        return source
    if source not in library.all_programs() and source in all_tasks():
        raise NameLookupError(
            f"{source!r} is a task, written by hand: there is no program to compile. "
            f"Train it: zoo train {source} --out DIR"
        )
    if source not in library.all_programs():
        raise _unknown(source, list(library.all_programs()))
    return library.find(source)


def _unknown(name: str, known: list[str]) -> NameLookupError:
    """Return the error of a name that is no program's; it may be near a release's."""
    from zoo.release.shelf import list_releases

    if not isinstance(name, str) or "/" in name:
        return unknown_name("program", name, known)
    others = [entry["name"] for entry in list_releases()]
    near = nearest(name, [*known, *others])
    first = near.partition("'")[2].partition("'")[0]
    if name in others:
        return NameLookupError(
            f"{name!r} is a release, not a program: zoo.load({name!r}) in Python"
        )
    kind = "program or release" if first in others else "program"
    shown = near if first in others else nearest(name, known)
    return NameLookupError(f"no {kind} is named {name!r}.{shown}")


def programs() -> dict[str, Program]:
    """Return every program of the library by name."""
    return dict(library.all_programs())


def load(source: str | Path) -> Model:
    """Return a released model by its name, or the one in a folder.

    Args:
        source: a release's name (`sort-siit`, `sort-siit@2`), which is looked for on
            the shelves, in the cache, and in the index that `CIRCUITZOO_INDEX` names;
            `hf://OWNER/REPO` or `hf://OWNER/REPO@REVISION`; or a folder that `save`,
            `zoo compile`, `zoo train` or `zoo export` wrote.

    Returns:
        the model; of a release a `zoo.Released`, with certificate, pairs and card.

    Raises:
        NameLookupError: neither a folder nor a release has that name.
        FetchError: it is elsewhere, and cannot be fetched.
        FormatError: it is no such folder, or it is truncated, altered or newer.
    """
    from compiler.save import load_model
    from zoo.release.resolve import resolve
    from zoo.release.whole import is_release

    path = resolve(source)
    if has_run(path):
        return load_model(path / MODEL)
    if is_release(path):
        from zoo.release.released import load_released

        return load_released(path)
    return load_model(path)


def data(source: str | Path) -> Any:
    """Return the pairs of a release as a datasets.DatasetDict, `train` and `test`.

    Args:
        source: of the release, as for `load`.

    Raises:
        NameLookupError: neither a folder nor a release has that name.
        FetchError: it is elsewhere, and cannot be fetched.
        FormatError: it is no release, or it is truncated, altered or newer.
    """
    import datasets

    from zoo.release.fields import SPLITS
    from zoo.release.resolve import resolve
    from zoo.release.tables import data_file, from_parquet
    from zoo.release.whole import open_folder

    folder = open_folder(resolve(source))
    tables = {s: from_parquet(folder.read(data_file(s)), data_file(s)) for s in SPLITS}
    return datasets.DatasetDict(
        {
            split: datasets.Dataset(table, split=datasets.NamedSplit(split))
            for split, table in tables.items()
        }
    )


def releases() -> list[dict[str, Any]]:
    """Return what the published models say of themselves, by name."""
    from zoo.release.shelf import list_releases

    return list_releases()


def has_run(folder: str | Path) -> bool:
    """Return whether a folder holds a training run that has ended."""
    return (Path(folder) / MODEL).is_dir()


def train(
    source: str | Program | SOp | CausalModel,
    recipe: Recipe | None = None,
    **changes: Any,
) -> Result:
    """Return a transformer trained to have exactly the circuit of a program.

    Args:
        source: the name of a program or a task, a Program, an expression with
            vocabulary and length of its own, or a causal model written by hand.
        recipe: how; the program's own, or the defaults, if None.
        changes: fields of the recipe to change.

    Raises:
        InputError: the recipe cannot be followed, or the model is too small.
    """
    from zoo.training.loop import train as train_model
    from zoo.training.recipe import change
    from zoo.training.session import causal_model, find_causal_model, recipe_for

    name = source if isinstance(source, str) else getattr(source, "name", "")
    chosen = change(recipe or recipe_for(name or ""), changes)
    model: Any = find_causal_model(source) if isinstance(source, str) else source
    if isinstance(source, Program | SOp):
        model = causal_model(source)
    return train_model(model, chosen)


def compress(
    source: str | Program | SOp | Model,
    d_model: int,
    *,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    **changes: Any,
) -> Compression:
    """Return a compiled model squeezed into a narrower stream, features overlapping.

    Args:
        source: what to compile, or a compiled model.
        d_model: width of the compressed stream, at most that of the compiled one.
        vocab: the tokens, in order, where `source` is to be compiled.
        max_len: the greatest number of tokens, likewise.
        changes: other fields of `zoo.compression.settings.Settings`.

    Raises:
        InputError: a setting cannot be used, the model is no compiled one, or the
            loss became infinite or undefined.
    """
    from zoo.compression.compress import compress as squeeze
    from zoo.compression.settings import make_settings

    settings = make_settings(d_model, changes)
    if not isinstance(source, Model):
        return squeeze(compile(source, vocab, max_len), settings)
    if vocab is not None or max_len is not None:
        raise InputError(
            f"{source.name} is a model already: its vocabulary and length are fixed. "
            "Leave vocab= and max_len= out, or give a program"
        )
    return squeeze(source, settings)


def audit(
    model: Model | Result | str | Path | Program | SOp,
    *,
    causal: Task | None = None,
    pairs: int = 10_000,
    seed: int = 0,
) -> Certificate:
    """Return the certificate of a model: compiled, trained or loaded.

    Args:
        model: what is audited: a model, a training's result, a program or its name
            (it is compiled), a release's name, or a model's folder.
        causal: the causal model that it was trained on, where that was written by
            hand and is no task of the zoo: no saved model holds it.
        pairs: all pairs of inputs if they are at most this many, else a sample.
        seed: of the sample.

    Raises:
        NameLookupError: neither a program nor a release has that name.
        FormatError: the folder holds no model, or a damaged one.
    """
    from zoo.auditing.certificate import audit as certify
    from zoo.auditing.subject import subject_of

    if isinstance(model, Path) or (isinstance(model, str) and _is_saved(model)):
        model = load(model)
    elif isinstance(model, str | Program | SOp):
        model = compile(model)
    return certify(subject_of(model, causal), pairs=pairs, seed=seed)


def _is_saved(source: str) -> bool:
    """Return whether a text names a release or a folder, and not a program."""
    from zoo.release.shelf import find_release

    if "/" in source or find_release(source.partition("@")[0]):
        return True
    return source not in library.all_programs() and Path(source).exists()


def score(
    model: str | Path | Model | Case,
    scores: Any,
    format: str | None = None,
    **options: Any,
) -> Report:
    """Return what scores of a model's edges are worth against its circuit.

    Args:
        model: a release's name, a model's folder, a model, a program's name, or a
            case of `zoo.open_case`.
        scores: a number for every edge, positive where the edge helps: a dict, an
            array, a graph or a file, in any format of `zoo/scoring/formats.py`.
        format: which, where it is not to be recognised.
        options: `missing`, `absolute`, `granularity`, `convention`, `k`, `threshold`,
            `behaviour`, `seed`, and those of `zoo.open_case`.

    Raises:
        NameLookupError: an edge or a model is unknown; the nearest are offered.
        InputError: a score is missing or NaN, or the scores are for another model.
    """
    from zoo.scoring.score import score as score_edges

    return score_edges(model, scores, format, **options)


def score_alignment(
    model: str | Path | Model | Case,
    variable: str,
    site: str,
    basis: Any,
    **options: Any,
) -> AlignmentReport:
    """Return what the claim is worth that a variable lives in a subspace of a site.

    Args:
        model: as for `score`.
        variable: of the program, computed by a head or an MLP.
        site: a source (`m0`, `a1.h2`), or the stream before a layer (`stream.1`).
        basis: [d_model, k], a direction a column; only their span counts.
        options: `pairs`, `draws`, `seed`, and those of `zoo.open_case`.

    Raises:
        NameLookupError: the variable or the site is unknown; the nearest are offered.
        InputError: the basis is no basis of this model's stream.
    """
    from zoo.alignment.score import score_alignment as score_subspace

    return score_subspace(model, variable, site, basis, **options)


def score_dictionary(
    model: str | Path | Model | Case, dictionary: Any, *, site: str, **options: Any
) -> DictionaryReport:
    """Return how near the directions of a dictionary come to a model's features.

    Args:
        model: as for `score`; a compiled, rotated or compressed one.
        dictionary: [feature, d_model], as sparse autoencoders keep their decoders.
        site: where its activations come from, as for `score_alignment`.
        options: `threshold`, `draws`, `seed`, and those of `zoo.open_case`.

    Raises:
        NameLookupError: the site is unknown; the nearest are offered.
        InputError: the dictionary is none of this model's stream, or the model was
            trained, so that its features are not known.
    """
    from zoo.dictionary.score import score_dictionary as score_features

    return score_features(model, dictionary, site=site, **options)


def evaluate(
    method: Any, suite: str | Iterable[str] = "core", seeds: int = 3, **options: Any
) -> Table:
    """Return how methods do on the models of a suite.

    Args:
        method: a method's name, a function of a case that returns scores, or several.
        suite: `core` (all trained releases), `compiled`, `rotated`, `decoys`, or
            models by name.
        seeds: how many; each draws the pairs that a method gets.
        options: `out` (a folder to keep cells in, and to go on from), `timeout`,
            `pairs`, `progress`, `hung`; see `zoo/scoring/evaluate.py`.

    Raises:
        NameLookupError: a method, a suite or a model is unknown.
    """
    from zoo.scoring.evaluate import evaluate as run

    return run(
        method, suite if isinstance(suite, str) else list(suite), seeds, **options
    )


def save(model: Model, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write a model into a folder, all of it or nothing.

    Args:
        model: any model.
        folder: where to.
        overwrite: whether a folder that is there already is replaced.
    """
    from compiler.save import save_model

    save_model(model, Path(folder), overwrite=overwrite)
