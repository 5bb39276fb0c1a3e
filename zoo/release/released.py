"""A model that came as a release: with its certificate, pairs, recipe and card.

Loading checks every digest and what the release says of itself. The rest is read when
it is asked for, under the same digests.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler import html
from compiler.errors import FormatError, InputError, unknown_name
from compiler.model import Model
from compiler.notation import refuse
from compiler.rasp.values import UNDEFINED, Value
from compiler.save import load_model
from compiler.tensors import tensors_from_bytes
from zoo.auditing.claims import missed
from zoo.release.fields import (
    CARD,
    CERTIFICATE,
    RECIPE,
    SPLITS,
    TWIN,
    ReleaseSummary,
    data_file,
)
from zoo.release.tables import from_parquet, spell
from zoo.release.whole import Folder, open_folder

if TYPE_CHECKING:
    from zoo.auditing.certificate import Certificate
    from zoo.training.recipe import Recipe


@dataclass(frozen=True)
class Pair:
    """Two inputs of one length whose outputs differ.

    Attributes:
        clean: the tokens of one input.
        corrupt: the tokens of the other.
        clean_outputs: the program's outputs for the clean input, UNDEFINED where the
            program defines none.
        corrupt_outputs: the program's outputs for the corrupt input.
        position: a token at which the outputs differ, from 0.
        clean_answer: the output for the clean input at that position.
        corrupt_answer: the output for the corrupt input at that position.
        variables: the names of the variables that differ anywhere.
    """

    clean: tuple[Value, ...]
    corrupt: tuple[Value, ...]
    clean_outputs: tuple[Value, ...]
    corrupt_outputs: tuple[Value, ...]
    position: int
    clean_answer: Value
    corrupt_answer: Value
    variables: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Released(Model):
    """A model of a release.

    Attributes:
        folder: its files.
        summary: what `release.json` says.
    """

    folder: Folder
    summary: ReleaseSummary

    def __repr__(self) -> str:
        said = self.summary
        named = f"{said['name']}, version {said['version']}"
        return f"<Released {named}: {super().__repr__()[1:-1]}>"

    @property
    def failure(self) -> str:
        """The claims of the certificate that fail; "" where all of them hold.

        Thresholds of a recipe are stricter than those of an audit, so that a training
        can have missed its own and the audit pass: the audit counts.
        """
        failed = missed(self.summary["kind"], self.summary["claims"])
        return f"its audit fails: {', '.join(failed)}" if failed else ""

    def _repr_html_(self) -> str:
        said = self.summary
        head = html.line(f"release {said['name']}, version {said['version']}")
        rows = [(name, f"{found:.4f}") for name, found in said["claims"].items()]
        return f"{head}{super()._repr_html_()}{html.table(('claim', 'found'), rows)}"

    @cached_property
    def certificate(self) -> Certificate:
        """What the audit found, every figure of it.

        Raises:
            FormatError: certificate.json was altered, or is not as its schema says.
        """
        from zoo.release.documents import CERTIFICATE_DOCUMENT

        return CERTIFICATE_DOCUMENT.read(self.folder.json(CERTIFICATE))

    @cached_property
    def recipe(self) -> Recipe | None:
        """How it was trained; None of a model that was not.

        Raises:
            FormatError: recipe.toml was altered, or is no recipe.
        """
        from zoo.training.recipe_file import parse_recipe

        if RECIPE not in self.folder.sums:
            return None
        try:
            return parse_recipe(self.folder.text(RECIPE), RECIPE)
        except InputError as error:
            raise FormatError(f"{error} Fetch the release again.") from None

    @cached_property
    def twin(self) -> Model | None:
        """The natural twin, None if the release has none.

        It has the same shape and was trained by the same recipe on behaviour alone. It
        carries the circuit of this model, so that the two can be compared; nothing made
        it have that circuit, so that claims about it fail.

        Raises:
            FormatError: twin.safetensors was altered, or is not of this shape.
        """
        if TWIN not in self.folder.sums:
            return None
        weights = tensors_from_bytes(self.folder.read(TWIN), self.config, TWIN)
        parts = {f.name: getattr(self, f.name) for f in fields(Model)}
        return Model(**{**parts, "weights": weights})

    @property
    def card(self) -> str:
        """The model card, in Markdown."""
        return self.folder.text(CARD)

    def pairs(self, split: str = "test") -> list[Pair]:
        """Return the pairs of a split, tokens and outputs as values.

        Args:
            split: `train` or `test`.

        Raises:
            NameLookupError: there is no such split.
            FormatError: the file was altered, or does not belong to this model.
        """
        if split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
        file = data_file(split)
        rows = from_parquet(self.folder.read(file), file).to_pylist()
        reader = _RowDecoder(self, file)
        return [reader.pair(number, row) for number, row in enumerate(rows)]


_SIDES = ("clean", "corrupt")


class _RowDecoder:
    """Reads rows of text as values of one model."""

    def __init__(self, model: Model, file: str) -> None:
        output = model.typed.variables[model.typed.output]
        self.file, self.vocab = file, model.typed.vocab
        self.outputs = {spell(v): v for v in reversed(output.domain.values)}
        self.outputs[None] = UNDEFINED
        self.variables = {v.name for v in model.typed.variables}

    def pair(self, number: int, row: dict[str, Any]) -> Pair:
        where = f"{self.file}, row {number}"
        clean, corrupt = (self.tokens(row, s, where) for s in _SIDES)
        before, after = (
            tuple(self.output(v, where) for v in row[f"{s}_outputs"] or ())
            for s in _SIDES
        )
        size, position = len(clean), row["position"]
        if {len(corrupt), len(before), len(after)} != {size}:
            raise refuse(where, "inputs and outputs of several lengths", "one length")
        if position is None or not 0 <= position < size:
            raise refuse(where, f"the position {position}", f"one below {size}")
        names = tuple(row["variables"] or ())
        if not self.variables.issuperset(names):
            raise refuse(where, "unknown variables", "those of program.json")
        answers = before[position], after[position]
        if [spell(v) for v in answers] != [row[f"{s}_answer"] for s in _SIDES]:
            raise refuse(where, "answers that are not", "the outputs at the position")
        return Pair(clean, corrupt, before, after, position, *answers, names)

    def tokens(self, row: dict[str, Any], side: str, where: str) -> tuple[Value, ...]:
        """Return the tokens of one side: the ids tell 1 from "1"."""
        words, ids = row[side] or (), row[f"{side}_ids"] or ()
        numbers = list(ids[1 : len(words) + 1])
        known = [n is not None and 0 <= n < len(self.vocab) for n in numbers]
        values = [self.vocab[n] for n in numbers] if all(known) else []
        if [spell(v) for v in values] != list(words):
            raise refuse(where, f"{side}_ids that are not", f"the ids of {side}")
        return tuple(values)

    def output(self, text: str | None, where: str) -> Value:
        if text not in self.outputs:
            raise refuse(where, ascii(text)[:60], "an output of program.json")
        return self.outputs[text]


def load_released(path: Path) -> Released:
    """Return the model of a release, once its every digest is right.

    Raises:
        FormatError: a file is missing, altered, a link, too large, or not what it
            must be; the message names it.
    """
    folder = open_folder(path)
    summary = folder.summary()
    model = load_model(path)
    parts = {f.name: getattr(model, f.name) for f in fields(Model)}
    made = Released(**parts, folder=folder, summary=summary)
    _check_fit(made)
    return made


def _check_fit(model: Released) -> None:
    """Raise FormatError where release.json contradicts the model."""
    config = model.config
    expected = {
        "program": model.name,
        "layers": config.n_layers,
        "heads": config.n_heads,
        "d_model": config.d_model,
        "parameters": config.n_params,
        "edges": len(model.circuit.edges),
        "of_edges": len(config.names.edges),
    }
    for name, value in expected.items():
        if (found := model.summary[name]) != value:
            wording = ascii(found)[:60]
            raise refuse(f"release.json, {name}", wording, f"{value!r}, by the model")
