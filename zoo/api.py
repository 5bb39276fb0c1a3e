"""Making models, and asking what they are: functions of `zoo` that are no one room's.

Each takes a name, a folder, a model, a program or an expression, and asks
`zoo/lookup.py` what a name stands for. Compiling needs NumPy only; jax is imported when
a model is run. What other rooms define (`zoo.score`, `zoo.evaluate`, ..) is named in
`zoo/__init__.py` and stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import programs as library
from compiler.api import compile_model
from compiler.errors import InputError, unknown_name
from compiler.model import Model
from compiler.passes.infer import Limits
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.several import JOIN, select_by_token
from compiler.rasp.tuples import SIDE_BY_SIDE, compute_beside
from compiler.rasp.values import Value
from zoo.compression.settings import Settings, make_settings
from zoo.lookup import (
    MODELS,
    SAVED,
    TRAINED,
    ResolvedName,
    find_program,
    look_up,
    no_model,
    open_model,
)
from zoo.lookup import load as load_target
from zoo.training.recipe import Recipe
from zoo.training.recipe_changes import RecipeChanges

SELECT = ("token", "beside")
"""Whether a first token says which of several programs is computed, or all are."""

if TYPE_CHECKING:
    from compiler.verify import Verification
    from zoo.auditing.certificate import Certificate
    from zoo.auditing.thorough import Published
    from zoo.causal.model import CausalModel, Task
    from zoo.compression.compress import Compression
    from zoo.release.check import Checked
    from zoo.training.outcome import Result


def compile(
    source: str | Program | SOp,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    *,
    causal: bool | None = None,
    max_table: int | None = None,
    max_domain: int | None = None,
    max_parameters: int | None = None,
    rotate: int | None = None,
    permute_heads: int | None = None,
    decoys: int = 0,
    beside: str | Program | SOp | None = None,
    seed: int = 0,
    like: str | None = None,
    norm: str | None = None,
    act: str | None = None,
    gated: bool | None = None,
    generate: bool | None = None,
) -> Model:
    """Return the transformer that computes a program, exactly.

    Args:
        source: a program's name, a file that defines one (`my.py`, `my.rasp`,
            `my.py:NAME`), RASP text (a string with a `;` or several lines), a Program,
            or a RASP expression.
        vocab: the tokens, in order; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.
        causal: whether positions see only themselves and earlier ones.
        max_table: the most combinations of arguments of one element-wise function.
        max_domain: the most values of one variable.
        max_parameters: the most parameters of the model; 12 million by default.
        rotate: seed of a random orthogonal basis of the residual stream.
        permute_heads: seed of a random order of each layer's heads.
        decoys: how many heads each layer gets that nothing reads.
        beside: a second program, computed in the same model and read by nothing.
        seed: what the decoys are drawn from.
        like: the architecture, `gpt2` (attention to earlier positions only) or `bert`
            (an encoder): the model is saved as a folder that Hugging Face transformers
            loads.
        norm: the norm in front of every reader: `none`, `pre` (LayerNorm) or `rms`
            (RMSNorm); as `like` says by default.
        act: the activation: `relu`, `gelu`, `gelu_new` or `silu`; as `like` says by
            default.
        gated: whether MLPs are gated, without biases.
        generate: whether the output at the last token is the token that comes next:
            `model.generate` then runs the program; as the program says by default.

    Raises:
        NameLookupError: no program or architecture has that name; the nearest are
            offered.
        InputError: the vocabulary, the length or an option cannot be used.
        RaspError: RASP text has a mistake; shows the line.
        ProgramError: the program cannot be typed or lowered; lists every problem.
    """
    return compile_model(
        find_program(source),
        vocab,
        max_len,
        causal=causal,
        limits=limits(max_table, max_domain, max_parameters),
        rotate=rotate,
        permute_heads=permute_heads,
        decoys=decoys,
        beside=None if beside is None else find_program(beside),
        seed=seed,
        like=like,
        norm=norm,
        act=act,
        gated=gated,
        generate=generate,
    )


def to_rasp(
    source: str | Program | SOp,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
) -> str:
    """Return a program as RASP text; reading the text gives the same program.

    A function that was written in Python is printed as a table over the values that
    its arguments can have for this vocabulary and length.

    Args:
        source: a program's name, a file that defines one, a Program, or a RASP
            expression.
        vocab: the tokens, in order; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.

    Raises:
        NameLookupError: no program has that name; the nearest are offered.
        InputError: RASP text has no words for it; says for which part.
        ProgramError: the program cannot be typed; lists every problem.
    """
    from compiler.pipeline import read_source
    from compiler.text.printer import Printed, print_program

    read = read_source(find_program(source), vocab, max_len)
    meaning = "" if read.program is None else read.program.meaning
    inputs = (read.vocab, read.max_len, read.causal)
    return print_program(Printed(read.expression, read.name, *inputs, meaning))


def limits(
    max_table: int | None = None,
    max_domain: int | None = None,
    max_parameters: int | None = None,
) -> Limits:
    """Return the compiler's limits, with those that are given raised or lowered."""
    usual = Limits()
    return Limits(
        usual.table if max_table is None else max_table,
        usual.domain if max_domain is None else max_domain,
        usual.parameters if max_parameters is None else max_parameters,
    )


def programs() -> dict[str, Program]:
    """Return every program of the library by name."""
    return dict(library.all_programs())


def load(source: str | Path) -> Model:
    """Return a released model by its name, or the one in a folder.

    Args:
        source: a folder that `save`, `zoo compile`, `zoo train` or `zoo export` wrote;
            a release's name (`sort-siit`, `sort-siit@2`), which is looked for in the
            folders of releases, in the cache, and in the index that
            `CIRCUITZOO_INDEX` names; or `hf://OWNER/REPO@REVISION`.

    Returns:
        the model; of a release a `zoo.Released`, with certificate, pairs and card.

    Raises:
        NameLookupError: neither a folder nor a release has that name.
        FetchError: it is elsewhere, and cannot be fetched.
        FormatError: it is no such folder, or it is truncated, altered or newer.
    """
    return load_target(look_up(source, SAVED))


def save(model: Model, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write a model into a folder, all of it or nothing.

    Args:
        model: any model.
        folder: where to.
        overwrite: whether a folder that is there already is replaced.
    """
    from compiler.save import save_model

    save_model(model, Path(folder), overwrite=overwrite)


def train(
    source: str | Program | SOp | Model | CausalModel | Sequence[str | Program],
    recipe: Recipe | str | Path | None = None,
    *,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    out: str | Path | None = None,
    twin: bool = False,
    like: str | None = None,
    select: str = "token",
    progress: bool | Callable[[int, int], None] = True,
    **changes: Unpack[RecipeChanges],
) -> Result:
    """Return a transformer trained to have exactly the circuit of a program.

    Args:
        source: the name of a program or a task, a file that defines one (`my.py`,
            `my.rasp`, `my.py:NAME`), RASP text, a Program, a RASP expression, a
            compiled model (its program is trained), or a causal model that you wrote.
            A list of programs is trained in one model; see `select`.
        recipe: how: settings, the name of a recipe of the zoo such as `robust`, or a
            TOML file; the program's own, or the defaults, if None.
        vocab: the tokens, in order; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.
        out: a folder to keep the run in, from which `zoo.resume` goes on. Nothing is
            kept if None.
        twin: whether the natural twin is trained: the same model, on behaviour alone.
        like: the architecture: `gpt2`, `llama`, `qwen2` or `bert` (an encoder). The
            first three attend to earlier positions only; a program that attends in
            both directions is then trained as its language task (`sort` as
            `sort_text`), or else over the prefix of each position. A model of an
            architecture is saved as a folder of Hugging Face transformers.
        select: how one of several programs is chosen: by `token`, the first token of
            an input, which is the name of the program that is asked for; or `beside`:
            all of them are computed at once, and the output is the tuple of theirs.
        progress: whether steps, speed and remaining time are shown; or a function that
            is called with (steps done, steps).
        changes: fields of the recipe to change: `steps=4000`, `norm="pre"`.

    Raises:
        NameLookupError: no program, task or recipe has that name; the nearest are
            offered.
        InputError: the recipe cannot be followed, the model is too small, or the
            folder holds something.
    """
    from zoo.progress import show_progress
    from zoo.training.likeness import like_changes, setting_like
    from zoo.training.loop import train as train_model
    from zoo.training.recipe import twin_recipe
    from zoo.training.recipe_file import change, chosen_recipe
    from zoo.training.session import train_into

    source = _find(_together(source, select), like)
    name = _name_of(source)
    chosen = change(chosen_recipe(recipe, name), {**like_changes(like), **changes})
    chosen = twin_recipe(chosen) if twin else chosen
    with show_progress(f"train {name}", "steps", progress) as on_step:
        if out is not None:
            setting = setting_like(_setting(source, vocab, max_len), like)
            return train_into(Path(out), setting, chosen, on_step=on_step)
        model = _causal_of(source, vocab, max_len, like)
        return train_model(model, chosen, on_step=on_step)


def train_seeds(
    source: str | Program | SOp | Model | CausalModel,
    seeds: Sequence[int],
    recipe: Recipe | str | Path | None = None,
    *,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    out: str | Path | None = None,
    like: str | None = None,
    **changes: Unpack[RecipeChanges],
) -> list[Result]:
    """Return transformers trained together, one a seed, under `vmap`; for a GPU.

    Args:
        source: the name of a program or a task, a file that defines one (`my.py`,
            `my.rasp`, `my.py:NAME`), RASP text, a Program, a RASP expression, a
            compiled model (its program is trained), or a causal model that you wrote.
        seeds: seeds of weights and batches, all different.
        recipe: the settings, a name or a file as for `train`, whose own seed is not
            used; the program's own settings, or the defaults, if None.
        vocab: the tokens, in order; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.
        out: a folder for a folder `seedN` each; nothing is kept if None.
        like: the architecture, as for `train`.
        changes: fields of the recipe to change.

    Raises:
        NameLookupError: no program or task has that name; the nearest are offered.
        InputError: the seeds cannot go together, or a folder holds something.
    """
    from zoo.training.likeness import like_changes, setting_like
    from zoo.training.recipe_file import change, chosen_recipe
    from zoo.training.session import train_seeds_into
    from zoo.training.together import train_together

    source = _find(source, like)
    base = chosen_recipe(recipe, _name_of(source))
    chosen = change(base, {**like_changes(like), **changes})
    if out is not None:
        setting = setting_like(_setting(source, vocab, max_len), like)
        return train_seeds_into(Path(out), setting, chosen, seeds)
    return train_together(_causal_of(source, vocab, max_len, like), chosen, seeds)


def resume(
    folder: str | Path,
    source: str | Program | SOp | Task | None = None,
    *,
    progress: bool | Callable[[int, int], None] = True,
) -> Result:
    """Go on with the training run in a folder, to the same bits as one never stopped.

    Args:
        folder: what `zoo.train(.., out=folder)` or `zoo train --out` began.
        source: what is trained, where it is your own: no folder holds it. A program,
            an expression, a task, or a file, `my.py`, `my.rasp` or `my.py:NAME`.
        progress: whether steps, speed and remaining time are shown; or a function that
            is called with (steps done, steps).

    Raises:
        FormatError: the folder holds no run, or a damaged one.
        InputError: what is trained is your own, and is not given or has another name.
    """
    from zoo.progress import show_progress
    from zoo.training.session import resume as go_on

    own: Any = look_up(source, TRAINED).defined if isinstance(source, str) else source
    with show_progress(f"train {Path(folder).name}", "steps", progress) as on_step:
        return go_on(Path(folder), on_step=on_step, defined=own)


def _together(source: Any, select: str) -> Any:
    """Return what is trained; of several programs the one that computes them all."""
    if select not in SELECT:
        raise unknown_name("way to select a program", select, SELECT)
    if not isinstance(source, list | tuple):
        return source
    if all(isinstance(one, str) for one in source) and len(source) > 1:
        return (JOIN if select == "token" else SIDE_BY_SIDE).join(source)
    found = [find_program(s) if isinstance(s, str) else s for s in source]
    if other := next((s for s in found if not isinstance(s, Program)), None):
        raise InputError(
            f"found a {type(other).__name__} among the programs of one model; expected "
            "names, or what @program makes"
        )
    join = select_by_token if select == "token" else compute_beside
    return join([s for s in found if isinstance(s, Program)])


def _find(source: Any, like: str | None) -> Any:
    """Return what is trained: a name of the zoo's, or what is the user's own."""
    from zoo.training.likeness import text_task

    if not isinstance(source, str):
        return source
    target = look_up(source, TRAINED)
    return text_task(target.name, like) if target.defined is None else target.defined


def _name_of(source: Any) -> str:
    """Return the name of what is trained; an expression may have none."""
    if isinstance(source, str):
        return look_up(source, TRAINED).name
    return getattr(source, "name", None) or "expression"


def _causal_of(
    source: Any,
    vocab: Iterable[Value] | None,
    max_len: int | None,
    like: str | None = None,
) -> CausalModel:
    """Return the causal model that is to be trained."""
    from compiler.pipeline import read_source
    from zoo.training.likeness import model_like, setting_like, source_like
    from zoo.training.session import causal_model, causal_model_of, find_setting

    if isinstance(source, str):
        source = look_up(source, TRAINED).trained
    if isinstance(source, str):
        return causal_model_of(setting_like(find_setting(source, vocab, max_len), like))
    if isinstance(source, Program | SOp):
        return causal_model(source_like(read_source(source, vocab, max_len), like))
    if vocab is not None or max_len is not None:
        raise InputError(
            f"{source.name}: its vocabulary and length are fixed. Leave vocab= and "
            "max_len= out, or give a program or an expression"
        )
    found = causal_model_of(source) if isinstance(source, Model) else source
    return model_like(found, like)


def _setting(source: Any, vocab: Iterable[Value] | None, max_len: int | None) -> Any:
    """Return what a run on disk says of what it trains: a name, and its inputs."""
    from zoo.training.session import find_setting

    if isinstance(source, str):
        source = look_up(source, TRAINED).trained
    if isinstance(source, Program) and programs().get(source.name) is source:
        source = source.name
    if isinstance(source, Model):
        raise InputError(
            "out= keeps a run that is resumed from its program or task, and this is a "
            "model. Give its program, or leave out= out and keep what is trained: "
            "zoo.save(result.model, folder)"
        )
    return find_setting(source, vocab, max_len)


def compress(
    source: str | Path | Program | SOp | Model,
    d_model: int,
    *,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    seed: int = Settings.seed,
    steps: int = Settings.steps,
    batch: int = Settings.batch,
    learning_rate: float = Settings.learning_rate,
    layers: float = Settings.layers,
    check_every: int = Settings.check_every,
    accuracy_at_least: float = Settings.accuracy_at_least,
    inputs: int = Settings.inputs,
) -> Compression:
    """Return a compiled model squeezed into a narrower stream, features overlapping.

    Args:
        source: what to compile, or a compiled model.
        d_model: width of the compressed stream, at most that of the compiled one.
        vocab: the tokens, in order, where `source` is to be compiled.
        max_len: the greatest number of tokens, where `source` is to be compiled.
        seed: of the projection, the inputs and the batches.
        steps: the most optimizer steps.
        batch: inputs of a step.
        learning_rate: of Adam at its peak; a cosine falls to a hundredth.
        layers: weight of reconstructing what heads and MLPs write, beside the output.
        check_every: steps between checks on held-out inputs.
        accuracy_at_least: the run ends once the share of right outputs on held-out
            inputs reaches this.
        inputs: most inputs that are drawn from.

    Raises:
        InputError: a setting cannot be used, the model is no compiled one, or the
            loss became infinite or undefined.
    """
    from zoo.compression.compress import compress as squeeze

    changes = {
        "seed": seed,
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "layers": layers,
        "check_every": check_every,
        "accuracy_at_least": accuracy_at_least,
        "inputs": inputs,
    }
    settings = make_settings(d_model, changes)
    return squeeze(open_model(source, vocab, max_len), settings)


def audit(
    model: Model | Result | str | Path | Program | SOp,
    *,
    causal: Task | None = None,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    pairs: int | None = None,
    seed: int = 0,
    scope: Literal["full", "quick", "sample"] = "full",
    prove: bool = False,
    progress: bool | Callable[[int, int], None] = True,
    threads: int = 1,
) -> Certificate:
    """Return the certificate of a model: compiled, trained or loaded.

    A full audit runs every input where there are at most a million, pairs of several
    kinds, a search for a pair that breaks an output, and ablations. A quick one does
    the same with fewer pairs and a shorter search. `sample` runs a sample of pairs
    only: it says little of inputs that a random draw rarely meets.

    Args:
        model: what is audited: a model, a training's result, a folder, a release's
            name, or a program, its name or an expression (which is compiled).
        causal: the causal model that it was trained on, where that was written by
            hand and is no task of the zoo: no saved model holds it.
        vocab: the tokens, in order, where a program is compiled.
        max_len: the greatest number of tokens, where a program is compiled.
        pairs: all pairs of inputs if they are at most this many, else a sample; 10,000
            by default, 2,000 for a quick audit.
        seed: of everything that is drawn.
        scope: `full`, `quick` or `sample`.
        prove: whether a full or quick audit also bounds what any donor can do, for
            each edge and node outside; this takes some minutes.
        progress: whether what is done is shown; or a function that is called with
            (done, total): pairs of the sample, then stages.
        threads: how many chunks of pairs are run at once; the figures are the same.

    Raises:
        NameLookupError: no folder, release or program has that name.
        FormatError: the folder holds no model, or a damaged one.
        InputError: a proof is asked for, and nothing can be proven of such a model.
    """
    opened: Any = model
    if isinstance(model, str | Path | Program | SOp | Model):
        opened = open_model(model, vocab, max_len)
    elif not hasattr(model, "causal"):  # which what a training returned has
        raise no_model(model)
    return audit_model(
        opened,
        causal=causal,
        pairs=pairs,
        seed=seed,
        scope=scope,
        prove=prove,
        progress=progress,
        threads=threads,
    )


def audit_model(
    opened: Model | Result,
    *,
    causal: Task | None = None,
    pairs: int | None = None,
    seed: int = 0,
    scope: Literal["full", "quick", "sample"] = "full",
    prove: bool = False,
    published: Published | None = None,
    progress: bool | Callable[[int, int], None] = True,
    threads: int = 1,
) -> Certificate:
    """Return the certificate of a model; see `audit`.

    Args:
        opened: the model.
        causal: the causal model, where no saved model holds it.
        pairs: of the sampled part.
        seed: of everything that is drawn.
        scope: `full`, `quick` or `sample`.
        prove: whether what any donor can do is bounded.
        published: token ids of the base and of the donor inputs of a release's pairs,
            which a full audit patches too.
        progress: whether what is done is shown, or a function that is called.
        threads: how many chunks of pairs are run at once.

    Raises:
        InputError: there is no such scope, or nothing can be proven of such a model.
    """
    from zoo.auditing.certificate import audit as certify
    from zoo.auditing.full import completed, provable, proven, sample_size
    from zoo.auditing.proof.prove import INPUTS, QUICK_INPUTS
    from zoo.auditing.subject import subject_of
    from zoo.progress import show_progress

    if scope not in ("full", "quick", "sample"):
        raise InputError(f"scope is {scope!r}; choose 'full', 'quick' or 'sample'")
    if prove and scope == "sample":
        raise InputError("prove=True is for the scopes 'full' and 'quick'; choose one")
    subject = subject_of(opened, causal)
    if prove:
        provable(subject)  # says at once if nothing can be
    quick = scope == "quick"
    with show_progress(f"audit {opened.name}", "pairs", progress) as show:
        sampled = certify(
            subject,
            pairs=sample_size(quick, pairs),
            seed=seed,
            progress=show,
            threads=threads,
        )
    if scope == "sample":
        return sampled
    with show_progress(f"search {opened.name}", "stages", progress) as show:
        full = completed(
            sampled, subject, quick=quick, published=published, on_stage=show
        )
    if not prove:
        return full
    with show_progress(f"prove {opened.name}", "stages", progress) as show:
        inputs = QUICK_INPUTS if quick else INPUTS
        return proven(full, subject, inputs=inputs, on_stage=show)


def verify(
    source: str | Path | Model | Program | SOp,
    *,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    interchange: bool = False,
    limit: int = 1_000_000,
    sample: int = 20_000,
    pairs: int = 20_000,
    seed: int = 0,
    quick: bool = False,
    progress: bool | Callable[[int, int], None] = True,
) -> Verification | Checked:
    """Return whether a model computes its program; of a release, whether all is so.

    Args:
        source: a release, of which every file and figure is checked; or a model, a
            folder, a program or an expression, whose outputs are compared with the
            interpreter's.
        vocab: the tokens, in order, where a program is compiled.
        max_len: the greatest number of tokens, where a program is compiled.
        interchange: whether every variable is interchanged too.
        limit: all inputs are run where they are at most this many.
        sample: how many inputs are drawn where there are more.
        pairs: how many pairs of inputs are run for each variable.
        seed: of the sample.
        quick: whether the audit of a release is left out, so that only its files are
            checked.
        progress: whether it is shown how far it is; or a function that is called with
            (done, all).

    Returns:
        `Verification` (`.wrong` counts wrong outputs; `.interchanges` has one of each
        variable), or of a release `Checked`
        (`.differences` is empty where all is as it says).

    Raises:
        NameLookupError: no folder, release or program has that name.
        FormatError: a file is missing, altered, a link, or of no use.
        InputError: `quick` was asked for of what is no release.
    """
    from compiler.verify import verify_outputs, verify_variables
    from zoo.auditing.subject import accepts_of
    from zoo.causal.by_hand import task_of
    from zoo.progress import show_progress

    target = look_up(source, MODELS) if isinstance(source, str | Path) else source
    if isinstance(target, ResolvedName) and (folder := target.release) is not None:
        from zoo.release.check import check_release

        with show_progress(f"verify {target.name}", "pairs", progress) as show:
            return check_release(folder, show, quick=quick)
    if quick:
        raise InputError(
            "quick leaves the audit of a release out, and this is no release. Leave "
            "quick= out"
        )
    model = open_model(target, vocab, max_len)
    if task_of(model) is not None:
        raise InputError(
            f"{model.name} was trained on a causal model written by hand, and verify "
            "compares with programs. Audit it instead: zoo.audit(model)"
        )
    with show_progress(f"verify {model.name}", "inputs", progress) as show:
        accepts = accepts_of(model)
        found = verify_outputs(
            model,
            limit=limit,
            sample=sample,
            seed=seed,
            accepts=accepts,
            progress=show,
        )
    if not interchange:
        return found
    every = verify_variables(model, pairs=pairs, seed=seed, accepts=accepts)
    return replace(found, interchanges=dict(every))


def show(
    source: str | Path | Model | Program | SOp,
    *,
    emit: str | None = None,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    width: int = 80,
) -> str:
    """Return a model as text: program, variables, schedule, circuit and sizes.

    Args:
        source: a folder, a release, a model, a program, its name, or an expression.
        emit: a stage of the compiler to show instead: `program`, `graph`, `typed`,
            `scheduled`, `laid_out` or `compiled`.
        vocab: the tokens, in order, where a program is compiled.
        max_len: the greatest number of tokens, where a program is compiled.
        width: characters of a line.

    Raises:
        NameLookupError: no folder, release or program has that name.
        InputError: there is no such stage, or a saved model has none but the last.
    """
    from compiler.api import to_model
    from compiler.emit import emit as emit_stage
    from compiler.pipeline import STAGES, compile_stages, read_source
    from zoo.description import show_model

    if emit is not None and emit not in STAGES:
        raise InputError(
            f"emit: no stage is named {emit!r}; the stages are {', '.join(STAGES)}"
        )
    target: Any = look_up(source, MODELS) if isinstance(source, str | Path) else source
    if isinstance(target, ResolvedName) and target.kind == "program":
        target = target.define()
    if not isinstance(target, Program | SOp):
        if emit is not None:
            raise InputError(
                "emit needs a program, and this is a saved model, of which only the "
                "last stage is left"
            )
        return "\n".join(show_model(open_model(target, vocab, max_len), None, width))
    stages = compile_stages(read_source(target, vocab, max_len))
    if emit is not None:
        return emit_stage(stages, emit)
    return "\n".join(show_model(to_model(stages), stages, width))
