"""What a name stands for: a folder, a release, a program or a task.

    runs/sort, ./sort, Path("sort")   a folder
    hf://OWNER/REPO@REVISION          a release of the Hugging Face Hub
    sort                              the first of these that there is:
                                        1. a folder `sort` that holds a model
                                        2. a release `sort` in a folder of releases, or
                                           in the cache
                                        3. a program of the library
                                        4. a task, which is trained and not compiled
    sort@2                            version 2 of the release
    my.py, my.py:sort                 a program or a task in a file of the user's own
    my.rasp, my.rasp:sort             a program in a file of RASP text
    "x = tokens;"                     RASP text: it has a `;`, or several lines
    program:sort, release:sort, ..    what the first word says, and nothing else

All functions and commands ask here. One that can only use some of these (compiling
needs a program) takes the first that it can use. A name that nothing here has is asked
of the index that `CIRCUITZOO_INDEX` names, where that is set.

`look_up` imports no arrays, so that unknown names are answered at once; `open_model`
returns a model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compiler.errors import FormatError, InputError, NameLookupError, nearest
from compiler.sealed import FILES
from zoo import catalogue, own_file
from zoo.files import MODEL
from zoo.release.shelf import (
    SCHEME,
    find_release,
    index_address,
    known_names,
    split_name,
)
from zoo.release.whole import is_release

if TYPE_CHECKING:
    from compiler.model import Model
    from compiler.rasp.expr import SOp
    from compiler.rasp.program import Program
    from compiler.rasp.values import Value
    from zoo.causal.model import Task
    from zoo.release.fetch import Progress

TargetKind = str
"""`folder`, `release`, `program` or `task`."""
ORDER: tuple[TargetKind, ...] = ("folder", "release", "program", "task")
SAVED: tuple[TargetKind, ...] = ("folder", "release")
MODELS: tuple[TargetKind, ...] = ("folder", "release", "program")
COMPILED: tuple[TargetKind, ...] = ("program",)
TRAINED: tuple[TargetKind, ...] = ("program", "task")

_RUN = "recipe.toml"


@dataclass(frozen=True)
class ResolvedName:
    """What a name stands for.

    Attributes:
        text: the name as it was given.
        kind: what it is.
        name: of the program or the task; of a folder or a release its last part.
        folder: where it is; None of a program or a task.
        others: what else has the name, and comes after it.
        defined: the program, expression or task, where it is the user's own: in a
            file, or in RASP text.
    """

    text: str
    kind: TargetKind
    name: str
    folder: Path | None = None
    others: tuple[TargetKind, ...] = ()
    defined: Program | SOp | Task | None = None

    @property
    def note(self) -> str:
        """One line on what was taken where several things have the name, else ""."""
        if not self.others:
            return ""
        left = " and the ".join(self.others)
        first = self.others[0]
        return (
            f"{self.text!r} is taken to be the {self.kind}"
            f"{'' if self.folder is None else f' {self.folder}'}. There is also the "
            f"{left} of that name: {first}:{self.name} takes the {first}"
        )

    @property
    def release(self) -> Path | None:
        """Its folder, if that is a release."""
        is_one = self.folder is not None and is_release(self.folder)
        return self.folder if is_one else None

    @property
    def exact(self) -> str | Path:
        """What stands for the same and nothing else."""
        if self.defined is not None:
            return self.text
        return self.folder or f"{self.kind}:{self.name}"

    def define(self) -> Program | SOp:
        """Return the program that it stands for."""
        assert self.kind == "program"
        own = self.defined
        found = catalogue.define(self.name) if own is None else own
        return found  # type: ignore[return-value]

    @property
    def trained(self) -> str | Program | SOp | Task:
        """What is trained: the name of what the zoo has, or what the file defines."""
        return self.name if self.defined is None else self.defined


def look_up(
    source: str | Path,
    kinds: Sequence[TargetKind] = ORDER,
    *,
    progress: Progress | None = None,
) -> ResolvedName:
    """Return what a name stands for, the first of the kinds that can be used.

    Args:
        source: the name, or a folder.
        kinds: what the caller can use.
        progress: called with (bytes there, bytes) while a release is fetched.

    Raises:
        NameLookupError: nothing has that name; the nearest names are offered.
        InputError: it is a file of another kind than Python's or RASP's, a file that
            fails or defines none or several, or a folder that holds no model.
        RaspError: it is RASP text with a mistake.
        FormatError: there is no such folder or file.
        FetchError: it is elsewhere, and cannot be fetched.
    """
    text = str(source)
    if isinstance(source, str) and (";" in text or "\n" in text):
        return _look_up_in_text(text, kinds)
    if (place := own_file.split_file(text)) is not None:
        return _look_up_in_file(*place, text, kinds)
    if isinstance(source, str):
        prefix, colon, rest = text.partition(":")
        if colon and prefix in ORDER and not text.startswith(SCHEME):
            only = tuple(kind for kind in kinds if kind == prefix)
            if not only:
                raise _misused(text, [prefix], kinds)
            if prefix == "folder":
                return _look_up_folder(Path(rest), text, only)
            return _named(rest, only, progress)
    if text.startswith(SCHEME):
        if "release" not in kinds:
            raise _misused(text, ["release"], kinds)
        name = text.rpartition("/")[2].partition("@")[0]
        return ResolvedName(text, "release", name, _fetch(text, progress))
    if isinstance(source, Path) or "/" in text or text.startswith((".", "~")):
        return _look_up_folder(Path(source).expanduser(), text, kinds)
    return _named(text, kinds, progress)


def _look_up_in_text(text: str, kinds: Sequence[TargetKind]) -> ResolvedName:
    """Return the program that RASP text defines; it can load no files."""
    from compiler.text.program import read_program
    from compiler.text.source import SourceText

    program = read_program(SourceText(text))
    if "program" not in kinds:
        raise _misused(program.name, ["program"], kinds)
    return ResolvedName(text, "program", program.name, defined=program)


def _look_up_in_file(
    path: Path, name: str, text: str, kinds: Sequence[TargetKind]
) -> ResolvedName:
    """Return what a file of the user's defines."""
    if not {"program", "task"} & set(kinds):
        what = "file of RASP text" if path.suffix == ".rasp" else "Python file"
        raise _misused(text, [what], kinds)
    found = own_file.define(path, name)
    kind = "program" if own_file.is_program(found) else "task"
    if kind not in kinds:
        raise _misused(text, [kind], kinds)
    return ResolvedName(text, kind, own_file.name_of(found), defined=found)


def _look_up_folder(path: Path, text: str, kinds: Sequence[TargetKind]) -> ResolvedName:
    """Return a folder, given as one."""
    if os.path.isfile(path):
        raise _is_file(text)
    if not os.path.isdir(path):
        raise FormatError(
            f"{path}: found nothing, expected the folder of a saved model. Check "
            "the name"
        )
    if "folder" not in kinds:
        raise _misused(text, ["folder"], kinds)
    if not holds_model(path):
        raise _empty(text)
    return ResolvedName(text, "folder", path.resolve().name, path)


def _named(
    text: str, kinds: Sequence[TargetKind], progress: Progress | None
) -> ResolvedName:
    """Return what a name without a slash stands for."""
    path = Path(text)
    try:
        name, version = split_name(text)
    except InputError:
        name, version = "", None
    release = find_release(name, version) if name else None
    found: list[TargetKind] = []
    if text and os.path.isdir(path) and holds_model(path):
        found.append("folder")
    if release is not None:
        found.append("release")
    found += catalogue.kinds_of(text)
    usable = [kind for kind in found if kind in kinds]
    if usable:
        kind, *others = usable
        folder = {"folder": path, "release": release}.get(kind)
        return ResolvedName(text, kind, name or text, folder, tuple(others))
    if found:
        raise _misused(text, found, kinds)
    if name and "release" in kinds and index_address() is not None:
        return ResolvedName(text, "release", name, _fetch(text, progress))
    if os.path.isfile(path):
        raise _is_file(text)
    if "folder" in kinds and text and os.path.isdir(path):
        raise _empty(text)
    raise _unknown(text, kinds)


def _fetch(text: str, progress: Progress | None) -> Path:
    """Return the folder of a release that is elsewhere."""
    from zoo.release.resolve import resolve  # it imports a client for HTTP

    return resolve(text, progress)


def holds_model(folder: Path) -> bool:
    """Return whether a folder holds a model, a release or a training run."""
    return any((folder / name).exists() for name in (*FILES, MODEL, _RUN))


def label_of(folder: Path) -> str:
    """Return what a folder's model is called: `NAME@2` of a release's version 2."""
    name, _, version = folder.name.rpartition(".v")
    later = is_release(folder) and version.isdecimal()
    return f"{name}@{version}" if later else folder.name


def has_run(folder: str | Path) -> bool:
    """Return whether a folder holds a training run that has ended."""
    return (Path(folder) / MODEL).is_dir()


def find_program(source: str | Program | SOp) -> Program | SOp:
    """Return the program of a name; a program or an expression as it is."""
    return look_up(source, COMPILED).define() if isinstance(source, str) else source


def open_named(
    source: str | Path | Model, kinds: Sequence[TargetKind] = MODELS
) -> tuple[Model, str]:
    """Return a model, and what reports call it; arguments as of `open_model`."""
    from compiler.model import Model

    if isinstance(source, Model):
        return source, source.name
    if not isinstance(source, str | Path):
        raise no_model(source)
    target = look_up(source, kinds)
    label = target.name if target.folder is None else label_of(target.folder)
    return open_model(target), label


def no_model(source: object) -> InputError:
    """Return the error for something that is in the place of a model."""
    return InputError(
        f"found {type(source).__name__}, expected a model: the name of a release or a "
        "program, a folder, or what zoo.load, zoo.compile or zoo.train returned"
    )


def open_model(
    source: str | Path | ResolvedName | Model | Program | SOp,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    *,
    kinds: Sequence[TargetKind] = MODELS,
) -> Model:
    """Return a model: loaded, compiled, or the one that was given.

    Args:
        source: a name, a folder, what `look_up` returned, a model, a program, or an
            expression.
        vocab: the tokens, in order, where it is compiled.
        max_len: the greatest number of tokens, where it is compiled.
        kinds: what a name may stand for.

    Raises:
        NameLookupError: nothing has that name; the nearest names are offered.
        InputError: a model that is there already was given a vocabulary or a length.
        FormatError: a folder holds a damaged model.
    """
    from compiler.api import compile_model
    from compiler.model import Model

    if isinstance(source, str | Path):
        source = look_up(source, kinds)
    if isinstance(source, ResolvedName):
        if source.kind == "program":
            return compile_model(source.define(), vocab, max_len)
        _check_fixed(source.text, "saved model", vocab, max_len)
        return load(source)
    if isinstance(source, Model):
        _check_fixed(source.name, "model already", vocab, max_len)
        return source
    return compile_model(source, vocab, max_len)


def load(target: ResolvedName) -> Model:
    """Return the model of a folder or a release; of a release with its certificate.

    It warns on inputs that its program is not for, where the library has its program.
    """
    from dataclasses import replace

    import programs

    model = _load(target)
    found = programs.program_of(model.name, model.facts.get("family"))
    return model if found is None else replace(model, accepts=found.accepts)


def _load(target: ResolvedName) -> Model:
    from compiler.save import load_model

    folder = target.folder
    assert folder is not None
    if has_run(folder):
        return load_model(folder / MODEL)
    if is_release(folder):
        from zoo.release.released import load_released

        return load_released(folder)
    if not any((folder / name).exists() for name in FILES):
        raise InputError(
            f"{folder} holds a training run that has not ended: there is no model in "
            f"it yet. Go on with it: zoo train --resume {folder}"
        )
    return load_model(folder)


def _check_fixed(
    name: str, what: str, vocab: Iterable[Value] | None, max_len: int | None
) -> None:
    if vocab is not None or max_len is not None:
        raise InputError(
            f"{name} is a {what}: its vocabulary and length are fixed. Leave vocab "
            "(--vocab) and max_len (--max-len) out, or give a program"
        )


# Errors ---------------------------------------------------------------------------

_VERB = {
    "folder": "zoo.load({0!r})",
    "release": "zoo.load({0!r}), zoo audit {0}",
    "program": "zoo.compile({0!r}), zoo compile {0} --out DIR",
    "task": "zoo.train({0!r}), zoo train {0} --out DIR",
    "Python file": "zoo.compile({0!r}), zoo.train({0!r})",
    "file of RASP text": "zoo.compile({0!r}), zoo.train({0!r})",
}


def _or(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _misused(
    text: str, found: Sequence[str], kinds: Sequence[TargetKind]
) -> NameLookupError:
    """Return the error of a name that is something else than what is needed."""
    what, name = found[0], text.partition(":")[2] or text
    name = text if own_file.split_file(text) else name
    more = ", written by hand: there is no program to compile" if what == "task" else ""
    return NameLookupError(
        f"{text!r} is a {what}{more}, and a {_or(kinds)} is needed here. For a {what}: "
        f"{_VERB[what].format(name)}"
    )


def _is_file(text: str) -> InputError:
    return InputError(
        f"{text} is a file, and not a model's folder. Give a folder, a release or a "
        "program's name; `zoo list` prints the programs"
    )


def _empty(text: str) -> InputError:
    return InputError(
        f"{text}: there is no model in this folder; `zoo compile` and `zoo train` "
        "save one"
    )


def _unknown_release(text: str) -> NameLookupError:
    from zoo.release.resolve import unknown_release

    return unknown_release(text)


def _unknown(text: str, kinds: Sequence[TargetKind]) -> NameLookupError:
    """Return the error of a name that nothing here has; the nearest are offered."""
    if "program" not in kinds and "task" not in kinds:
        return _unknown_release(text)
    known = [n for n in catalogue.names() if set(catalogue.kinds_of(n)) & set(kinds)]
    if "release" in kinds:
        if "@" in text:
            return _unknown_release(text)
        known += known_names(text)
    named = [kind for kind in kinds if kind != "folder"]
    return NameLookupError(f"no {_or(named)} is named {text!r}.{nearest(text, known)}")
