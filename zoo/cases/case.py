"""A case: a model with its truth, and everything a method may use to find it.

    case = open_case("sort-siit")
    case.edges                       names of all edges
    case.losses(mask)                [pair] with the edges of a mask patched
    case.mask_gradient(mask)         [reader, source], of the mean loss
    case.batch.writes, .donors       what the sources write, clean and patched

A method is a function of a case that returns scores in any format; it does not look at
`case.truth`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from compiler.deprecation import accept_old_arguments
from compiler.errors import FormatError, InputError, unknown_name
from compiler.machine.config import Config
from compiler.machine.names import Names
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights, init
from compiler.model import Model
from zoo.auditing.certificate import Certificate, audit
from zoo.auditing.classes import find_in_class, subject_within
from zoo.auditing.findings import ClassFindings
from zoo.auditing.subject import Subject, subject_of
from zoo.auditing.tasks import model_of_task
from zoo.cases.ablation import EMBEDDINGS, donors_of
from zoo.cases.choices import CHOICES, NOISE
from zoo.cases.directions import restore, swap
from zoo.cases.edges_alone import single_edges
from zoo.cases.losses import Goal, contrast_of, weigh_loss
from zoo.cases.pairs import PAIRS, SHIFTED, Pairs, draw_pairs, read_pairs, with_shifts
from zoo.cases.replacement import replace_one_token
from zoo.cases.running import (
    Batch,
    Machine,
    losses_of_base,
    losses_under,
    losses_under_nodes,
    mask_gradient,
)
from zoo.cases.truth import Truth, truth_of
from zoo.causal.model import CausalModel
from zoo.causal.runs import compiled_runs, writes_alike
from zoo.causal.saved import task_names
from zoo.lookup import MODELS, ORDER, label_of, look_up, open_model
from zoo.release.whole import is_release, open_folder

CLASS = re.compile(r"[\w.+-]+")
"""What the name of a class looks like; RASP text may have a colon as well."""
AUDIT_PAIRS = 2_000
"""Pairs of the audit of a model that has no certificate yet."""


@dataclass(frozen=True, eq=False)
class Case:
    """A model with its truth, and the pairs of inputs that a method may use.

    Attributes:
        name: of the model.
        model: the transformer.
        truth: the status of its edges.
        pairs: clean and corrupt inputs.
        ablation: what stands in the place of a patched write: `resample` (what the
            source writes in the corrupt run), `replacement` (the same with one token
            replaced), `gaussian` (with noise on embeddings), `mean` (of corrupt runs,
            by position), `zero`, or `optimal` (the constant that hurts least).
        loss: what methods work with, unless they name another one; see `losses.py`.
        positions: `all` positions at which answers differ, or the `one` of the data.
        folder: of the release or the run that it is from, or None.
        within: the class of inputs that the case is about, or None for all inputs.
        direction: what is patched into what. `noise` puts ablated writes into the clean
            run. `denoise` puts clean writes into the run whose embeddings are ablated
            (Heimersheim and Nanda 2024).
        noise: standard deviations of gaussian noise.
    """

    name: str
    model: Model
    truth: Truth
    pairs: Pairs
    ablation: str = "resample"
    loss: str = "difference"
    positions: str = "all"
    folder: Path | None = None
    within: str | None = None
    direction: str = "noise"
    noise: float = NOISE
    # What has been run for some choices; cases of the same pairs share it.
    _noising: dict[Any, Batch] = field(default_factory=dict, repr=False)
    _edges: dict[Any, dict[str, Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for what, kinds in CHOICES.items():
            if getattr(self, what) not in kinds:
                raise unknown_name(what, getattr(self, what), kinds)
        if not (0 < self.noise < float("inf")):
            raise InputError(
                f"{self.name}: noise is {self.noise}, expected a number of standard "
                "deviations above 0. Meng et al. 2022 take 3"
            )
        if self.loss == "probability" and self.model.readout.kind != "classes":
            raise InputError(
                f"{self.name}: its outputs are numbers, which have no probability. "
                "Take loss='difference' or 'divergence'"
            )
        if self.truth.names != self.names:
            raise InputError(
                f"{self.name}: the truth is of a model with {self.truth.names}, and "
                f"this one has {self.names}. Give the certificate of this model"
            )

    def __repr__(self) -> str:
        return f"<Case {self.name}: {self.truth!r}, {self.pairs!r}>"

    @property
    def config(self) -> Config:
        """The transformer's shape."""
        return self.model.config

    @cached_property
    def subject(self) -> Subject:
        """What an audit of the model is of, over the inputs of the case's class."""
        return _subject(self.model, self.within)

    @property
    def transformer(self) -> Transformer:
        """The model's configuration and arrays, a pytree."""
        return self.model.transformer

    @property
    def weights(self) -> Weights:
        """Its arrays."""
        return self.model.weights

    @property
    def names(self) -> Names:
        """The names of its sources, readers and edges."""
        return self.model.config.names

    @property
    def edges(self) -> tuple[str, ...]:
        """The names of all edges, in the order of `names.edges`."""
        return tuple(str(edge) for edge in self.names.edges)

    @cached_property
    def batch(self) -> Batch:
        """The pairs as arrays: ids, writes, donors, what losses compare with.

        `writes` are those of the run that is patched, and `donors` what is put in.
        """
        batch = self._noising_batch
        return batch if self.direction == "noise" else swap(self.transformer, batch)

    @property
    def sign(self) -> int:
        """1 where a patch of what helps raises the loss, -1 where it lowers it."""
        return 1 if self.direction == "noise" else -1

    @property
    def _noising_batch(self) -> Batch:
        """The batch with ablated writes as donors; cases of the same pairs share it."""
        if self._choices not in self._noising:
            self._noising[self._choices] = self._make_batch()
        return self._noising[self._choices]

    @property
    def _choices(self) -> tuple[Any, ...]:
        """What a batch depends on beside the direction."""
        return self.ablation, self.noise, self.positions, self.pairs, self.model

    def _make_batch(self) -> Batch:
        pairs = self.pairs
        if self.ablation == "replacement":
            pairs = replace_one_token(self.model, self.subject.causal, pairs)
        straight = np.zeros_like(pairs.shifts)  # donors share the compilation
        run = compiled_runs(self.transformer, pairs.clean, straight)
        contrast = contrast_of(self.model.readout, pairs, self.positions)
        live = (pairs.clean_labels >= 0).astype(np.float32)
        goal = Goal(contrast, run.logits, live)
        donors = donors_of(
            self.model, pairs, self.ablation, run.writes, goal, self.noise
        )
        return Batch(pairs.clean, run.writes, donors, goal)

    @cached_property
    def constant(self) -> Bool[np.ndarray, " source"]:
        """Which sources write the same in both runs of every pair: no effect shows."""
        return writes_alike(self.batch.writes, self.batch.donors)

    def machine(self, loss: str | None = None) -> Machine:
        """Return what compiled runs of this case need, besides the batch."""
        readout = self.model.readout
        return Machine(
            self.transformer, readout, weigh_loss(readout, loss or self.loss)
        )

    def losses(
        self, mask: Any = None, loss: str | None = None
    ) -> Float[np.ndarray, " pair"]:
        """Return the loss of each pair with the edges of a mask patched.

        Args:
            mask: [reader, source], 1 where an edge sees the donor; nothing if None.
            loss: another one than the case's.
        """
        if mask is None:
            return np.asarray(losses_of_base(self.machine(loss), self.batch))
        found = losses_under(self.machine(loss), *self._patched(mask))
        return np.asarray(found)

    def losses_of_each(
        self, masks: Any, loss: str | None = None
    ) -> Float[np.ndarray, "mask pair"]:
        """Return `losses` of several masks: a call each, which compiles once."""
        found = [self.losses(mask, loss) for mask in masks]
        return np.stack(found) if found else np.zeros((0, len(self.pairs)))

    def mask_gradient(
        self, mask: Any = None, loss: str | None = None
    ) -> Float[np.ndarray, "reader source"]:
        """Return the gradient of the mean loss in the mask, at zeros if None."""
        found = np.array(mask_gradient(self.machine(loss), *self._patched(mask)))
        found[:, :EMBEDDINGS] *= self.sign  # denoising takes patches off these
        return found

    def node_losses(self, masks: Any) -> Float[np.ndarray, "mask pair"]:
        """Return the loss of each pair with the nodes of each mask patched.

        Args:
            masks: [mask, source], 1 where all readers see the donor.
        """
        batch, own = self._noising_batch, np.array(masks, np.float32)
        if self.direction == "denoise":
            batch, own = restore(batch, own, np.ones(own.shape, bool))
        return np.asarray(losses_under_nodes(self.machine(), batch, own))

    def single_edges(
        self, loss: str | None = None
    ) -> Float[np.ndarray, "reader source pair"]:
        """Return the loss of each pair with each edge patched alone."""
        key = (*self._choices, self.direction)
        if key not in self._edges:
            self._edges[key] = single_edges(self.machine(), self.batch)
        return self._edges[key][loss or self.loss].copy()

    def with_changes(self, **changes: Any) -> Case:
        """Return the case with other pairs, or another ablation, loss, positions."""
        if changes.keys() & {"pairs", "model"}:
            changes |= {"_noising": {}, "_edges": {}}
        return replace(self, **changes)

    def untrained(self, seed: int = 0) -> Case:
        """Return the case with a model of the same shape and random weights."""
        model = self.model
        kept = ("name", "typed", "config", "readout", "circuit", "rows", "steps")
        parts = {name: getattr(model, name) for name in kept}
        blank = Model(**parts, facts=model.facts, weights=init(model.config, seed))
        return self.with_changes(model=blank)

    def split(self, split: str, pairs: int = PAIRS, shifted: float = SHIFTED) -> Case:
        """Return the case with other pairs of its data; arguments as of `open_case`."""
        causal = None if self.within is None else self.subject.causal
        drawn = _pairs(self.model, self.folder, split, pairs, 0, shifted, causal)
        return self.with_changes(pairs=drawn)

    def with_shifts(self, share: float) -> Case:
        """Return the case with this share of the corrupt runs shifted."""
        found = with_shifts(self.pairs, self.config, share)
        same = np.array_equal(found.shifts, self.pairs.shifts)
        return self if same else self.with_changes(pairs=found)

    def _patched(self, mask: Any) -> tuple[Batch, Float[np.ndarray, "reader source"]]:
        """Return a batch whose runs start at the clean tokens, and a mask of it."""
        own, batch = self._mask(mask), self._noising_batch
        if self.direction == "noise":
            return batch, own
        return restore(batch, own, self.names.visible)

    def _mask(self, mask: Any) -> Float[np.ndarray, "reader source"]:
        shape = self.names.visible.shape
        array = np.zeros(shape) if mask is None else np.asarray(mask)
        if array.shape != shape:
            raise InputError(
                f"{self.name}: a mask of shape {array.shape}, expected [reader, source]"
                f" = {shape}"
            )
        return np.array(array, np.float32)


@accept_old_arguments(turned="shifted")
def open_case(
    source: str | Path | Model | Case,
    *,
    certificate: Certificate | None = None,
    split: str = "train",
    pairs: int = PAIRS,
    shifted: float = SHIFTED,
    seed: int = 0,
    ablation: str = "resample",
    loss: str = "difference",
    positions: str = "all",
    within: str | None = None,
) -> Case:
    """Return the case of a model.

    Args:
        source: a release's name (`NAME@2`, `hf://OWNER/REPO`) or a model's folder; a
            model, or a program's name (it is compiled); a case, which is returned as
            it is. With `:CLASS` behind a name, the case is about the inputs of one
            class, such as one task of several: pairs are drawn among these, and the
            truth is which edges these use.
            Of a model that computes several programs at once, `:NAME` is one of them:
            the model's logits are then those of this program.
        within: the class of inputs, in place of `:CLASS` behind the name.
        certificate: of a model that is no release; it is audited if None.
        split: of the data: methods look at `train`, scores are taken on `test`.
        pairs: how many, at most.
        shifted: share of the pairs whose corrupt run has shifted positions; with 0 no
            pair shows edges from the position embeddings.
        seed: of drawn pairs and of an audit; a release has its own.
        ablation: see `Case`.
        loss: see `Case`.
        positions: see `Case`.

    Raises:
        NameLookupError: no release and no program has that name.
        FormatError: a folder holds no model, or no certificate.
        InputError: the model's outputs never differ.
    """
    if isinstance(source, Case):
        return source
    source, within = _split_class(source, within)
    model, folder = _open(source)
    found = _certified(model, folder, certificate, within, seed)
    truth = truth_of(model.config.names, found, within)
    name = model.name if folder is None else label_of(folder)
    name = name if within is None else f"{name}:{within}"
    if within is not None and task_names(model):  # a model with logits of its own
        model, folder, within = model_of_task(model, within), None, None
    causal = None if within is None else _subject(model, within).causal
    drawn = _pairs(model, folder, split, pairs, seed, shifted, causal)
    return Case(name, model, truth, drawn, ablation, loss, positions, folder, within)


def open_subject(
    source: str | Path | Model, within: str | None = None
) -> tuple[Model, Subject]:
    """Return a model, and what an audit of it is of; arguments as of `open_case`."""
    source, within = _split_class(source, within)
    model, _ = _open(source)
    if within is not None and task_names(model):
        model, within = model_of_task(model, within), None
    return model, _subject(model, within)


def _subject(model: Model, within: str | None) -> Subject:
    """Return what an audit is of, over the inputs of a class or over all."""
    subject = subject_of(model)
    return subject if within is None else subject_within(subject, within)


def _certified(
    model: Model,
    folder: Path | None,
    certificate: Certificate | None,
    within: str | None,
    seed: int,
) -> Certificate | ClassFindings | Any:
    """Return what states the truth: what was given, a file, or a new audit."""
    if certificate is not None:
        return certificate
    if folder is not None and (folder / "certificate.json").is_file():
        return _read_json(folder / "certificate.json")
    if within is not None:
        return find_in_class(subject_of(model), within, pairs=AUDIT_PAIRS, seed=seed)
    return audit(model, pairs=AUDIT_PAIRS, seed=seed)


def _split_class(
    source: str | Path | Model, within: str | None
) -> tuple[str | Path | Model, str | None]:
    """Return what names the model, and the class of inputs behind it."""
    if within is not None or not isinstance(source, str):
        return source, within
    name, colon, last = source.rpartition(":")
    is_file = name.endswith((".py", ".rasp"))
    if not colon or name in ORDER or is_file or not CLASS.fullmatch(last):
        return source, None
    return name, last


def _pairs(
    model: Model,
    folder: Path | None,
    split: str,
    count: int,
    seed: int,
    shifted: float,
    causal: CausalModel | None,
) -> Pairs:
    """Return the pairs of a release's data, or drawn ones; of a class always drawn."""
    if causal is None and folder is not None and is_release(folder):
        return read_pairs(open_folder(folder), model, split, count, shifted)
    return draw_pairs(model, split, count, seed, shifted, causal)


def _open(source: str | Path | Model) -> tuple[Model, Path | None]:
    """Return the model, and the folder that it comes from."""
    if isinstance(source, Model):
        return source, None
    target = look_up(source, MODELS)
    return open_model(target), target.folder


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from None
