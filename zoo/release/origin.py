"""The model that a release must hold, made anew from its program, options and recipe.

    compiled     compiled again: weights, circuit, rows, basis, program, facts
    compressed   compiled again, then squeezed by the directions that the release states
    trained      shape and circuit from the recipe; the weights are for the audit

The program is the library's or the task's where the release names one, so that its
text, its meaning and its tables are compared with what stands here. A program that
somebody else wrote is read from `program.json`: its compilation is compared, and its
words are taken on trust, once their form is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np

import programs
from compiler.api import program_facts, to_model
from compiler.errors import InputError, ZooError
from compiler.ir.interpret import interpret
from compiler.ir.typed import Typed
from compiler.lower.options import Options, random_basis
from compiler.model import Model
from compiler.passes.check import sample_inputs
from compiler.passes.decomposition import steps_beyond
from compiler.passes.infer import Limits
from compiler.passes.plan import choose_codes
from compiler.passes.schedule import schedule
from compiler.pipeline import Stages, compile_stages, compile_typed, read_source
from compiler.save import PROGRAM
from zoo.auditing.subject import accepts_of, has_program
from zoo.causal.by_hand import describe, facts_of
from zoo.causal.model import Task
from zoo.compression.compress import squeezed_model
from zoo.compression.naming import name_dimensions
from zoo.compression.settings import Settings
from zoo.release.authorship import word_differences
from zoo.release.differences import Difference, shown
from zoo.training.placement import make_config, place
from zoo.training.recipe_file import saved_recipe
from zoo.training.session import causal_model_of_plan
from zoo.training.sizes import sized

# Where the usual ones refuse: facts do not hold them.
_RAISED = Limits(table=2**23, domain=2**16, parameters=2**27)
_MOST_DECOYS = 256


@dataclass(frozen=True)
class Origin:
    """What could be made anew of a release's model.

    Attributes:
        model: what the release must hold; parts that cannot be made anew are its own.
        weights: whether the weights were made anew as well.
        trusted: sentences on what nothing here can show.
        problems: what is wrong already, before anything is compared.
    """

    model: Model
    weights: bool
    trusted: tuple[str, ...] = ()
    problems: tuple[Difference, ...] = ()


def origin_of(model: Model, task: Task | None) -> Origin:
    """Return the model that a release's own must equal.

    Args:
        model: the release's, as loaded.
        task: the causal model, where that was written by hand.
    """
    kind = model.facts.get("kind", "compiled")
    maker = _Maker(model)
    try:
        base = maker.program(task)
        made = {"compiled": maker.compiled, "compressed": maker.compressed}.get(
            str(kind), lambda base: maker.trained(base, task)
        )(base)
    except ZooError as error:
        wording = str(error).partition("\n")[0]
        maker.problem(
            "", "a model that cannot be made again", f"one that can ({wording})"
        )
        made = model
    if model.steps is None:  # written before models carried their steps
        made = replace(made, steps=None)
    return Origin(made, maker.weights, tuple(maker.trusted), tuple(maker.problems))


class _Maker:
    """Makes one model anew, and notes what is wrong and what is only believed."""

    def __init__(self, model: Model) -> None:
        self.saved, self.facts = model, model.facts
        self.stages: Stages | None = None
        self.weights = False
        self.trusted: list[str] = []
        self.problems: list[Difference] = []

    def problem(self, place: str, found: str, expected: str) -> None:
        """Note what is wrong with program.json."""
        self.problems.append(Difference(PROGRAM, place, found, expected))

    # The program ------------------------------------------------------------------

    def program(self, task: Task | None) -> Model:
        """Return the saved model with the program, and the facts, that it must have."""
        if task is not None:
            return self._rebuild(describe(task), facts_of(task), task.name)
        if has_program(self.saved):
            return self._make_of_library()
        return self._make_of_unknown()

    def _rebuild(self, typed: Typed, facts: Mapping[str, Any], name: str) -> Model:
        return replace(_plain(self.saved), name=name, typed=typed, facts=facts)

    def _make_of_library(self) -> Model:
        """Return the model of the library's program of this name."""
        typed, beside = self.saved.typed, self._second_program()
        source = read_source(
            programs.find(self.saved.name),
            typed.vocab,
            typed.max_len,
            typed.causal,
            None if beside is None else programs.find(beside),
        )
        options = self._options()
        try:
            self.stages = compile_stages(source, None, options)
        except ZooError:
            self.stages = compile_stages(source, _RAISED, options)
        made = self.stages.typed
        if _names(made) != _names(typed) and _same_outputs(made, typed, self.saved):
            self.trusted.append(
                f"{PROGRAM}: the steps between input and output, with their names and "
                "words. Another version of the compiler wrote them; the outputs are "
                "those of the library's program"
            )
            made = typed
        return self._rebuild(made, program_facts(self.stages), self.saved.name)

    def _make_of_unknown(self) -> Model:
        """Return the saved model with its own program, once its words have a form."""
        facts = {k: self.facts[k] for k in _WORDS if k in self.facts}
        typed = self.saved.typed
        self.problems += word_differences(self.saved, facts)
        beside = self._second_program()
        for extra in self._extra_facts(beside):
            self.trusted.append(extra)
        lead = ""
        if programs.has(self.saved.name):
            lead = (
                " The library's program of the same name is another one, for the "
                "families differ."
            )
        self.trusted.append(
            f"{PROGRAM}: that the program {shown(self.saved.name)}, which is not the "
            "library's, is what its author meant: its tables, its notes, its family, "
            f"its meaning and its text (also in program.py and README.md).{lead}"
        )
        return self._rebuild(typed, facts, self.saved.name)

    def _extra_facts(self, beside: str | None) -> list[str]:
        if beside is None:
            return []
        return [f"{PROGRAM}: the name of the second program, {shown(beside)}"]

    # How it was made --------------------------------------------------------------

    def compiled(self, base: Model) -> Model:
        """Return the compiled model."""
        options = self._options()
        if self.stages is not None and base.typed is self.stages.typed:
            made = to_model(self.stages)
        else:
            made = _as_model(base, options, self._second_program())
        if _have_near_weights(made, self.saved):
            self.weights = True
            return made
        self.trusted.append(
            f"{PROGRAM}: the options of the compiler. This version makes other weights "
            "of the program, so options, shape and sites are not made again; the audit "
            "shows that the weights compute the program by the circuit"
        )
        self._check_basis(options)
        kept = {**base.facts, **{k: self.facts[k] for k in _MADE if k in self.facts}}
        return replace(self.saved, typed=base.typed, facts=kept)

    def compressed(self, base: Model) -> Model:
        """Return the compressed model: the stated directions, all else made anew."""
        wide = self.compiled(base) if self.saved.features is None else None
        if wide is not None:
            self.problem("facts, kind", '"compressed"', "features in circuit.json")
            return wide
        made = _as_model(base, self._options(), self._second_program())
        if self.stages is not None and base.typed is self.stages.typed:
            made = to_model(self.stages)
        facts = self._compression(made.facts)
        named, features = name_dimensions(made), self.saved.features
        assert features is not None
        if len(features.directions) != len(named.scale):
            found = f"{len(features.directions)} features"
            self.problem("facts, kind", found, f"{len(named.scale)} of the program")
            return replace(self.saved, typed=base.typed, facts=facts)
        projection = (features.directions / named.scale[:, None]).astype(np.float32)
        squeezed = squeezed_model(named, projection, facts)
        self.weights = True
        self.trusted.append(
            "circuit.json, features, directions: that they were found by the stated "
            "compression. All weights follow from them"
        )
        return squeezed

    def _compression(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts of a compressed model, form checked."""
        given = {k: self.facts.get(k) for k in ("compression", "held_out", "outcome")}
        settings = Settings(**_texted(given["compression"]))
        keys = {"step", "accuracy", "output", "layers"}
        held_out = given["held_out"]
        if not isinstance(held_out, Mapping) or set(held_out) != keys:
            self.problem("facts, held_out", shown(held_out), f"{', '.join(keys)}")
        elif not all(map(_is_figure, held_out.values())):
            self.problem("facts, held_out", shown(dict(held_out)), "four figures")
        self.trusted.append(
            f"{PROGRAM}: the settings of the compression and its figures on inputs "
            "held out. Only compressing again would show them"
        )
        passed = "passed", "budget"
        outcome = given["outcome"] if given["outcome"] in passed else "passed"
        kept = {"outcome": outcome, "held_out": held_out}
        return {
            **made,
            **kept,
            "kind": "compressed",
            "compression": asdict(settings),
        }

    def trained(self, base: Model, task: Task | None) -> Model:
        """Return the trained model: its shape and its circuit by the recipe."""
        recipe = saved_recipe(_texted(self.facts.get("recipe")))
        causal: Any = task
        if causal is None:
            scheduled = schedule(choose_codes(base.typed))
            accepts = accepts_of(self.saved)
            causal = causal_model_of_plan(base.typed, scheduled, accepts)
        recipe = sized(recipe, causal)
        config = make_config(causal, recipe)
        circuit = place(causal, config, recipe).circuit
        if set(circuit.sites) != set(self.saved.circuit.sites):
            circuit = self.saved.circuit
            self.trusted.append(
                "circuit.json: that the recipe gives each variable its node. Another "
                "version of the compiler named the steps; the audit shows the circuit"
            )
        given = set(self.facts["recipe"])
        stated = {k: v for k, v in asdict(recipe).items() if k in given}
        kept = {k: self.facts.get(k) for k in ("outcome", "steps")}
        self.trusted.append(
            "The training: that the recipe, run from its seed, gave these weights. "
            "Only training again would show it"
        )
        return replace(
            _plain(base),
            config=config,
            readout=causal.readout,
            circuit=circuit,
            facts={**base.facts, **kept, "kind": "trained", "recipe": stated},
            steps=None if task is not None else causal.own_steps,
        )

    # Options ----------------------------------------------------------------------

    def _options(self) -> Options:
        """Return the options of the compiler that the facts state."""
        options = Options(**_texted(self.facts.get("options", {})))
        if options.decoys > _MOST_DECOYS:
            wording = f"{_MOST_DECOYS} at most"
            self.problem("facts, options, decoys", f"{options.decoys}", wording)
            return replace(options, decoys=0)
        return options

    def _second_program(self) -> str | None:
        """Return the name of the second program that the facts state."""
        given = self.facts.get("beside")
        return None if given is None else str(_texted(given).get("name"))

    def _check_basis(self, options: Options) -> None:
        """Note a basis that the stated rotation is not."""
        saved, seed = self.saved.basis, options.rotate
        if (saved is None) != (seed is None):
            there = "no basis" if saved is None else "a basis"
            self.problem(
                "facts, options, rotate", shown(seed), f"a value that gives {there}"
            )
        elif saved is not None and seed is not None:
            basis = random_basis(len(saved), seed)
            if not np.allclose(saved, basis, atol=NEAR):
                self.problem(
                    "facts, options, rotate", shown(seed), "the seed of the basis"
                )


NEAR = 1e-5
"""Part of the largest number of an array within which others count as the same.

Two processors, or two versions of NumPy, round the compiler's arithmetic differently.
"""
_WORDS = ("family", "meaning", "source")
_MADE = ("options", "beside", "decoys")


def _texted(given: Any) -> dict[str, Any]:
    """Return a fact that has to be an object.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"{shown(given)} was found where an object of facts must be")
    return dict(given)


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(model: Model) -> Model:
    """Return a model with nothing of a compiler's: no rows, no basis, no features."""
    nothing: Mapping[str, Any] = MappingProxyType({})
    return replace(_model(model), rows=nothing, basis=None, beside=None, features=None)


def _model(model: Model) -> Model:
    """Return a released model as a plain one."""
    return Model(**{f.name: getattr(model, f.name) for f in fields(Model)})


def _as_model(base: Model, options: Options, beside: str | None) -> Model:
    """Return the compiled model of a typed program that is in no library."""
    made, typed = compile_typed(base.typed, options, _RAISED), base.typed
    facts = dict(base.facts)
    if options != Options():
        facts["options"] = options.to_json()
    extra = [typed.variables[i].name for i in typed.extra]
    if beside is not None and extra:
        facts["beside"] = {"name": beside, "output": extra.pop(0)}
    if extra:
        facts["decoys"] = extra
    return replace(
        base,
        config=made.config,
        weights=made.weights,
        readout=made.readout,
        circuit=made.circuit,
        rows=made.rows,
        basis=made.basis,
        beside=made.beside,
        facts=facts,
        steps=steps_beyond(made.laid_out.scheduled.plan),
    )


def _have_near_weights(made: Model, saved: Model) -> bool:
    """Return whether two models have the same weights but for rounding."""
    for one, other in zip(made.weights, saved.weights, strict=True):
        a, b = np.asarray(one, float), np.asarray(other, float)
        if a.shape != b.shape:
            return False
        if np.abs(a - b).max(initial=0) > NEAR * np.abs(a).max(initial=0):
            return False
    return True


def _names(typed: Typed) -> list[str]:
    return [v.name for v in typed.variables]


def _same_outputs(one: Typed, other: Typed, model: Model) -> bool:
    """Return whether two programs give the same on inputs of the model."""
    tokens, lengths, _ = sample_inputs(one, 2000, 0, accepts_of(model))
    traces = [interpret(t, tokens, lengths) for t in (one, other)]
    return all(
        traces[0].decoded(one.output, row) == traces[1].decoded(other.output, row)
        for row in range(len(tokens))
    )
