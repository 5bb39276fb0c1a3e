"""Releases from Python: list, read, make, fetch, publish and serve them.

The functions of `zoo` behind `zoo releases`, `card`, `export`, `download`, `publish`
and `index serve`. Listing and cards import no arrays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from compiler.errors import InputError
from zoo.files import MODEL
from zoo.lookup import SAVED, has_run, look_up, open_model
from zoo.progress import show_progress
from zoo.release.whole import Folder, open_folder

if TYPE_CHECKING:
    import datasets

    from compiler.machine.weights import Weights
    from compiler.model import Model
    from compiler.rasp.expr import SOp
    from compiler.rasp.program import Program
    from compiler.rasp.values import Value
    from programs.facts import OutputType

ProgressOption = bool | Callable[[int, int], None]


def releases(
    origin: str | None = None,
    *,
    kind: str | None = None,
    family: str = "",
    difficulty: str | int = "",
    output: OutputType | None = None,
    causal: bool | None = None,
    corpus: str = "",
    layers: str | int = "",
    heads: str | int = "",
    nodes: str | int = "",
    variables: str | int = "",
    norm: str | None = None,
    attention: bool | None = None,
    suite: str = "",
    limit: int | None = None,
    skip: int = 0,
) -> list[dict[str, Any]]:
    """Return what the published models say of themselves, by name.

    Args:
        origin: the address of an index; the folders of releases and the cache if None.
        kind: only those that are `compiled`, `trained` or `compressed`; all if None.
        family: what the name of the program's family has to contain.
        difficulty: of the program, 1 to 5: a number, or a range such as `"2-4"`.
        output: `categorical`, `numerical` or `boolean`.
        causal: whether no output depends on a token behind its position.
        corpus: a collection of programs that uses the program, or a part of its name.
        layers: layers of the model, as a number or a range.
        heads: attention heads a layer, likewise.
        nodes: nodes of the circuit, likewise; not with `origin`.
        variables: variables of the circuit, likewise.
        norm: `none`, `pre` or `rms`; not with `origin`.
        attention: whether the circuit has an attention head; not with `origin`.
        suite: a suite's name, or an expression: `layers>=3 and not alone`.
        limit: how many to return at most; all if None.
        skip: how many to leave out at the beginning.

    Raises:
        FetchError: the index cannot be reached.
        InputError: no release is of that kind, a range or a suite is none, or an index
            is asked for what only files say.
        NameLookupError: no family or corpus has that in its name.
    """
    from zoo.filters import ProgramFilter
    from zoo.release_listing import ReleaseQuery, list_page

    chooses = ProgramFilter(
        difficulty=str(difficulty),
        output=output,
        causal=causal,
        corpus=corpus,
        layers=str(layers),
        heads=str(heads),
        nodes=str(nodes),
        variables=str(variables),
        attention=attention,
    )
    query = ReleaseQuery(chooses, kind, family, norm, suite, limit, skip)
    return list(list_page(query, origin).entries)


def _open(source: str | Path, progress: ProgressOption = True) -> Folder:
    """Return the folder of a release, fetched and checked."""
    with show_progress(str(source), "bytes", progress, bytes=True) as show:
        folder = look_up(source, SAVED, progress=show).folder
    assert folder is not None
    return open_folder(folder)


def card(source: str | Path) -> str:
    """Return the model card of a release, in Markdown.

    Args:
        source: a release's name, `hf://OWNER/REPO`, or its folder.

    Raises:
        NameLookupError: no release has that name.
        FormatError: it is no release, or it is truncated or altered.
    """
    from zoo.release.fields import CARD

    text = _open(source).text(CARD)
    body = text.split("\n---\n", 1)[-1] if text.startswith("---\n") else text
    return body.strip()


def data(source: str | Path) -> datasets.DatasetDict:
    """Return the pairs of a release as a datasets.DatasetDict, `train` and `test`.

    Args:
        source: a release's name, `hf://OWNER/REPO`, or its folder.

    Raises:
        NameLookupError: no release has that name.
        FetchError: it is elsewhere, and cannot be fetched.
        FormatError: it is no release, or it is truncated, altered or newer.
    """
    import datasets

    from zoo.release.fields import SPLITS, data_file
    from zoo.release.tables import from_parquet

    folder = _open(source)
    tables = {s: from_parquet(folder.read(data_file(s)), data_file(s)) for s in SPLITS}
    return datasets.DatasetDict(
        {
            split: datasets.Dataset(table, split=datasets.NamedSplit(split))
            for split, table in tables.items()
        }
    )


def export(
    source: str | Path | Model | Program | SOp,
    name: str,
    version: int = 1,
    *,
    to: str | Path = "releases",
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    pairs: int | None = None,
    seed: int = 0,
    scope: Literal["full", "quick", "sample"] = "full",
    prove: bool = False,
    claims_failed: bool = False,
    twin: str | Path | None = None,
    threads: int = 1,
    progress: ProgressOption = True,
) -> Path:
    """Audit a model, write it as a release, and return the release's folder.

    Args:
        source: a model, a folder, a release, a program, its name, or an expression.
        name: of the release: small letters, digits, - and _.
        version: of the release; a version never changes.
        to: the folder of releases.
        vocab: the tokens, in order, where a program is compiled.
        max_len: the greatest number of tokens, where a program is compiled.
        pairs: the audit runs all pairs of inputs if they are at most this many, else
            a sample of this size; 10,000 by default, 2,000 for a quick audit.
        seed: of everything that is drawn.
        scope: how much is audited, as in `zoo.audit`: `full`, `quick` or `sample`.
        prove: whether the audit also bounds what any donor can do, as in `zoo.audit`.
        claims_failed: whether to publish it though claims of its audit fail; its card
            and the lists of releases say so.
        twin: the folder of its natural twin's training, published beside it. By default
            that is the folder of the source with `-twin` after its name, if it exists.
        threads: how many chunks of pairs the audit runs at once.
        progress: whether progress is shown; or a function that is called with (done,
            total): pairs of the sample, then stages.

    Raises:
        InputError: a claim of the audit fails, or the version is there and differs.
    """
    from zoo.release.shelf import add

    files = make_release(
        source,
        name,
        version,
        vocab=vocab,
        max_len=max_len,
        pairs=pairs,
        seed=seed,
        scope=scope,
        prove=prove,
        claims_failed=claims_failed,
        twin=twin,
        threads=threads,
        progress=progress,
    )
    return add(Path(to), name, version, files)[0]


def make_release(
    source: str | Path | Model | Program | SOp,
    name: str,
    version: int = 1,
    *,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    pairs: int | None = None,
    seed: int = 0,
    scope: Literal["full", "quick", "sample"] = "full",
    prove: bool = False,
    claims_failed: bool = False,
    twin: str | Path | None = None,
    threads: int = 1,
    progress: ProgressOption = True,
) -> dict[str, bytes]:
    """Audit a model, and return the contents of its release's files by name.

    The arguments are those of `export`, which also writes them.

    Raises:
        InputError: a claim of the audit fails.
    """
    from zoo.api import audit_model
    from zoo.release.build import Draft, release_files
    from zoo.release.data import data_files, published_pairs
    from zoo.release.shelf import check_name

    check_name(name)
    target: Any = look_up(source) if isinstance(source, str | Path) else source
    model = open_model(target, vocab, max_len)
    recipe, history = _training(getattr(target, "folder", None), model)
    certificate = audit_model(
        model,
        pairs=pairs,
        seed=seed,
        scope=scope,
        prove=prove,
        published=None if scope == "sample" else published_pairs(data_files(model)),
        progress=progress,
        threads=threads,
    )
    weights = _twin_weights(getattr(target, "folder", None), twin, model)
    draft = Draft(name, version, model, certificate, recipe, history, twin=weights)
    return release_files(draft, claims_failed=claims_failed)


def _twin_weights(
    folder: Path | None, twin: str | Path | None, model: Model
) -> Weights | None:
    """Return the weights of a model's natural twin, None if there is none.

    Raises:
        InputError: the twin has another shape or another program.
    """
    if twin is None and folder is not None and (folder / MODEL).is_dir():
        beside = folder.with_name(f"{folder.name}-twin")
        twin = beside if has_run(beside) else None
    if twin is None:
        return None
    found = open_model(look_up(twin))
    same = found.name == model.name and found.config == model.config
    if not same:
        raise InputError(
            f"{twin}: this is {found.name} with {found.config.n_params:,} parameters, "
            f"and a twin of {model.name} has the same shape and program. Train it with "
            "`zoo train NAME --twin` and the same recipe"
        )
    return found.weights


def _training(folder: Path | None, model: Model) -> tuple[str, list[dict]]:
    """Return (recipe, checks) of the training run that a model is from."""
    trained = model.facts.get("kind") == "trained"
    if folder is None or not trained or not (folder / MODEL).is_dir():
        return "", []
    recipe = (folder / "recipe.toml").read_text(encoding="utf-8")
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    return recipe, history


def download(
    name: str,
    origin: str | None = None,
    revision: str | None = None,
    *,
    progress: ProgressOption = True,
) -> Path:
    """Fetch a release into the cache, check every file, and return its folder.

    Args:
        name: its name, `NAME@VERSION`, or `hf://OWNER/REPO`.
        origin: the address of an index, or `hf://OWNER/REPO`; the index that
            `CIRCUITZOO_INDEX` names if None.
        revision: a version of an index, or a branch, tag or commit of a repository.
        progress: whether a bar is shown; or a function that is called with (bytes
            there, bytes).

    Raises:
        InputError: no index is set, or the release here says something else.
        NameLookupError: there is no such release, repository or revision.
        FetchError: it cannot be fetched.
        FormatError: what was fetched is not what it must be.
    """
    from zoo.release.resolve import download as fetch

    with show_progress(name, "bytes", progress, bytes=True) as show:
        return fetch(name, origin, revision, show)


def download_suite(
    suite: str, origin: str | None = None, *, progress: ProgressOption = True
) -> list[Path]:
    """Fetch the releases of a suite into the cache, and return their folders.

    What was fetched before one fails stays in the cache, and is not fetched again.

    Args:
        suite: its name, or an expression such as `layers>=3 and kind=trained`.
        origin: the address of an index; the one that `CIRCUITZOO_INDEX` names if None.
        progress: as in `download`, for each release.

    Raises:
        InputError: the suite cannot be read, has no release there, or asks what an
            index does not say; or no index is set.
        FetchError: the index or a release cannot be fetched.
        FormatError: what was fetched is not what it must be.
    """
    from zoo.release.index import open_remote_index
    from zoo.release.shelf import ADDRESS, SCHEME, index_address
    from zoo.release_choice import in_suite
    from zoo.suites import parse_suite

    parse_suite(suite)
    address = origin or index_address()
    if address is None or address.startswith(SCHEME):
        raise InputError(
            "--suite: say from which index, --from ADDRESS, or set "
            f"{ADDRESS} to the address of one"
        )
    parts = open_remote_index(address).listings()
    found = [e for part in parts for e in in_suite(suite, address, part.entries)]
    if not found:
        raise InputError(f"--suite: no release of {address} is in {suite!r}")
    return [
        download(f"{entry['name']}@{entry['version']}", address, progress=progress)
        for entry in found
    ]


def publish(source: str | Path, to: str) -> str:
    """Put a release into a repository of the Hugging Face Hub; return its address.

    Args:
        source: a release's name or its folder.
        to: `hf://OWNER/REPO`.

    Raises:
        InputError: the repository holds something else under that version.
        FetchError: the Hub cannot be reached, or refuses.
    """
    from zoo.release.hub import parse_repo
    from zoo.release.hub import publish as put

    repo = parse_repo(to)
    return put(_open(source), repo)[0]


def serve(
    folder: str | Path = "releases", host: str = "127.0.0.1", port: int = 8017
) -> None:
    """Serve a folder of releases over HTTP until it is interrupted.

    Args:
        folder: of releases, with its index.json.
        host: where to listen; `0.0.0.0` for all machines.
        port: of the server; 0 for one that is free.
    """
    import sys

    from zoo.release.serve import make_server

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with make_server(Path(folder), host, port, say) as server:
        address = f"http://{host}:{server.server_address[1]}"
        print(f"{address}  (CIRCUITZOO_INDEX={address}; stop with Ctrl-C)", flush=True)
        server.serve_forever()
