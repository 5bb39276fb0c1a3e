"""`zoo train`: programs and tasks into trained transformers."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compiler.errors import InputError, count, unknown_name
from compiler.rasp.several import JOIN
from compiler.rasp.tuples import SIDE_BY_SIDE
from zoo.commands.options import MaxLen, Vocab, find, read_vocab

if TYPE_CHECKING:
    from zoo.lookup import ResolvedName
    from zoo.training.loop import OnCheck
    from zoo.training.recipe import Recipe

JOINS = {"token": JOIN, "beside": SIDE_BY_SIDE}
"""What stands between the names of programs in the name of one model of them."""


def train(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE[:NAME]",
            help="The programs or tasks to train; `zoo list` has all. Or a file of "
            "yours that defines one, in Python (.py) or as RASP text (.rasp).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder to keep the run in; runs/NAME by default."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Continue the run in this folder."),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Train as this TOML file says; `robust` trains towards a full audit: "
            "right on every input, with what is outside the circuit alive.",
        ),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Change one setting of the recipe; repeat it for several.",
        ),
    ] = None,
    twin: Annotated[
        bool,
        typer.Option(
            "--twin",
            help="Train the natural twin: the same model on behaviour alone, with no "
            "circuit imposed.",
        ),
    ] = False,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="ARCHITECTURE",
            help="Train a model of this architecture: gpt2, llama, qwen2 or bert. The "
            "first three attend to earlier positions only: `sort` becomes its language "
            "task, `3 1 2 =` that goes on with `1 2 3`.",
        ),
    ] = None,
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="Train one model that computes all these programs; the first token of "
            "an input is the name of the one that is asked for. See --select.",
        ),
    ] = False,
    select: Annotated[
        str,
        typer.Option(
            help="With --together: `token` (the first token says which program is "
            "computed) or `beside` (all are computed at once; the output is a tuple)."
        ),
    ] = "token",
    jobs: Annotated[
        int,
        typer.Option(min=1, help="Train this many programs at a time, a process each."),
    ] = 1,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,..",
            help="Train one model for each of these seeds, all at once (for a GPU).",
        ),
    ] = None,
    recipe_keys: Annotated[
        bool,
        typer.Option(
            "--recipe-keys", help="List the settings of a recipe instead, and exit."
        ),
    ] = False,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Train a transformer to have the circuit of a program.

    FILE.py is run, and has to define one program or one task; FILE.py:NAME chooses
    one of several, or an expression (with --vocab and --max-len). Of FILE.rasp the
    last sequence is trained, or NAME. The exit status is 1 if the steps were used up
    before every threshold was met.
    """
    from zoo.lookup import TRAINED

    if together:
        names = [together_name(names or [], select)]
    elif select != "token":
        raise InputError("--select goes with --together, which trains one model")
    targets = [find(name, TRAINED) for name in names or []]
    if like is not None:  # a typo is answered before jax is imported
        targets = [_target_like(target, like) for target in targets]
    names = [target.name for target in targets]
    if recipe is not None:  # a typo is answered before jax is imported
        from zoo.training.recipe_file import find_recipe

        recipe = find_recipe(recipe)
    if recipe_keys:
        _print_keys()
    elif resume is not None:
        _resume(targets, resume, out, recipe, set or [], twin, like)
    elif not names:
        raise InputError("which program? For example: zoo train reverse --out runs/r")
    elif seeds is not None:
        if len(names) > 1:
            raise InputError("--seeds goes with one program, not several")
        chosen = _recipe(names[0], recipe, set or [], twin, like)
        _train_seeds(targets[0], out, chosen, seeds, vocab, max_len, like)
    elif len(names) > 1:
        if vocab is not None or max_len is not None:
            raise InputError("--vocab and --max-len go with one program, not several")
        _train_many(targets, out, recipe, set or [], twin, jobs, like)
    else:
        _train_one(targets[0], out, recipe, set or [], twin, vocab, max_len, like)


def together_name(names: list[str], select: str = "token") -> str:
    """Return the name of the program that computes several: one of them, or all."""
    if select not in JOINS:
        raise unknown_name("way to select a program", select, JOINS)
    if len(names) < 2:
        raise InputError(
            f"--together takes two or more programs, and found {len(names)}. For "
            "example: zoo train sort reverse --together"
        )
    return JOINS[select].join(names)


def _target_like(target: ResolvedName, like: str) -> ResolvedName:
    """Return what is trained in the shape of an architecture; say where it differs."""
    from compiler.families import find_family
    from zoo.training.likeness import text_task

    family = find_family(like)
    if target.defined is not None:
        return target
    task = text_task(target.name, like)
    if task == target.name:
        return target
    print(
        f"{target.name} attends in both directions and {family.title} does not: this "
        f"trains {task}, which writes the output behind the input"
    )
    return replace(target, text=task, kind="task", name=task, others=())


def _print_keys() -> None:
    import shutil

    from compiler.grid import Column, grid_lines
    from zoo.training.recipe_file import describe_keys

    columns = [Column("key"), Column("default"), Column("meaning", wrap=True)]
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    print("\n".join(grid_lines(columns, describe_keys(), width)))


def _recipe(
    name: str,
    recipe: Path | None,
    changes: list[str],
    twin: bool,
    like: str | None = None,
) -> Recipe:
    from zoo.training.likeness import like_changes
    from zoo.training.recipe import twin_recipe
    from zoo.training.recipe_file import change, chosen_recipe, parse_setting

    chosen = chosen_recipe(recipe, name)
    own = dict(parse_setting(text) for text in changes)
    chosen = change(chosen, {**like_changes(like), **own}, "--set")
    return twin_recipe(chosen) if twin else chosen


def _train_one(
    target: ResolvedName,
    out: Path | None,
    recipe: Path | None,
    changes: list[str],
    twin: bool,
    vocab: str | None,
    max_len: int | None,
    like: str | None,
) -> None:
    from zoo.threads import use_one_thread

    use_one_thread()
    from zoo.progress import show_progress
    from zoo.training.likeness import setting_like
    from zoo.training.session import find_setting, train_into

    name = target.name
    found = find_setting(target.trained, read_vocab(vocab), max_len)
    setting = setting_like(found, like)
    folder = out or Path("runs") / _folder_name(name, twin, like)
    chosen = _recipe(name, recipe, changes, twin, like)
    with show_progress(f"train {name}", "steps") as on_step:
        result = train_into(folder, setting, chosen, _progress(), on_step)
    _finish(result, folder)


def _train_seeds(
    target: ResolvedName,
    out: Path | None,
    recipe: Recipe,
    seeds: str,
    vocab: str | None,
    max_len: int | None,
    like: str | None,
) -> None:
    """Train several seeds of one program at once, on whatever jax has."""
    from zoo.training.likeness import setting_like
    from zoo.training.session import find_setting, train_seeds_into

    numbers = seeds.replace(" ", "").split(",")
    if not all(number.isdecimal() for number in numbers):
        raise InputError(f"--seeds is {seeds!r}; write whole numbers: --seeds 0,1,2")
    found = find_setting(target.trained, read_vocab(vocab), max_len)
    setting = setting_like(found, like)
    folder = out or Path("runs") / _folder_name(target.name, False, like)

    chosen = [int(number) for number in numbers]

    def show(run: Any, state: Any, history: Any) -> None:
        if len(history) == 1 and run.recipe.seed == chosen[0]:
            _heading(run)
        print(f"{_row(history)}  seed {run.recipe.seed}", flush=True)

    results = train_seeds_into(folder, setting, recipe, chosen, show)
    for seed, result in zip(chosen, results, strict=True):
        print(f"seed {seed}, in {folder / f'seed{seed}'}: {_words(result)}")
    if any(result.outcome != "passed" for result in results):
        raise typer.Exit(1)


def _resume(
    targets: list[ResolvedName],
    folder: Path,
    out: Path | None,
    recipe: Path | None,
    changes: list[str],
    twin: bool,
    like: str | None,
) -> None:
    from zoo.threads import use_one_thread

    use_one_thread()
    from zoo.progress import show_progress
    from zoo.training.session import resume
    from zoo.training.store import read_setting

    name = read_setting(folder).name
    if out is not None and out != folder:
        raise InputError(f"--resume {folder} goes on in that folder; leave --out out")
    names = [target.name for target in targets]
    if names and names != [name]:
        raise InputError(
            f"{folder} holds a run of {name!r}, not of {', '.join(names)}. Resume it "
            "as what it is, or begin a new run with --out"
        )
    given = recipe is not None or changes or twin or like is not None
    chosen = _recipe(name, recipe, changes, twin, like) if given else None
    with show_progress(f"train {name}", "steps") as on_step:
        own = targets[0].defined if targets else None
        result = resume(folder, chosen, _progress(), on_step, own)
    _finish(result, folder)


def _train_many(
    targets: list[ResolvedName],
    out: Path | None,
    recipe: Path | None,
    changes: list[str],
    twin: bool,
    jobs: int,
    like: str | None,
) -> None:
    """Train several programs, each in a process of its own with one thread."""
    from zoo.jobs import run_jobs
    from zoo.training.likeness import setting_like
    from zoo.training.session import find_setting
    from zoo.training.store import check_free

    root = out or Path("runs")
    given = {target.name: target for target in targets}
    folders = {n: root / _folder_name(n, twin, like) for n in given}
    for name, folder in folders.items():  # what is wrong for one is told before all
        setting_like(find_setting(given[name].trained), like)
        _recipe(name, recipe, changes, twin, like)
        check_free(folder)
    options = [*(f"--set={text}" for text in changes), *(["--twin"] if twin else [])]
    if recipe is not None:
        options += ["--recipe", str(recipe)]
    if like is not None:
        options += ["--like", like]
    commands = {
        name: ["train", given[name].text, "--out", str(folder), *options]
        for name, folder in folders.items()
    }
    failed = run_jobs(commands, jobs)
    goal = "the behaviour threshold" if twin else "every threshold"
    print(f"{len(commands) - len(failed)} of {len(commands)} runs met {goal}")
    for name in failed:
        begun = folders[name].exists()
        where = f"see {folders[name]}" if begun else "it never began, see above"
        print(f"  {name} did not: {where}")
    if failed:
        raise typer.Exit(1)


def _folder_name(name: str, twin: bool, like: str | None) -> str:
    """Return the name of a run's folder under runs/."""
    return "-".join([name, *([like] if like else []), *(["twin"] if twin else [])])


def _progress() -> OnCheck:
    """Return a callback that prints a check, and a headline before the first."""
    shown = False

    def show(run: Any, state: Any, history: Any) -> None:
        nonlocal shown
        if not shown:
            _heading(run)
        shown = True
        print(_row(history), flush=True)

    return show


def _heading(run: Any) -> None:
    from zoo.training.recipe import is_twin

    config = run.config
    edges = count(len(run.placement.circuit.edges), "circuit edge")
    twin = ", the natural twin (behaviour only)" if is_twin(vars(run.recipe)) else ""
    print(
        f"{run.model.name}{twin}: {count(config.n_layers, 'layer')}, "
        f"{count(config.n_heads, 'head')}, d_model {config.d_model}; {edges} of "
        f"{len(config.names.edges)}"
    )
    print("the worst figures on held-out pairs; - where there is none yet\n")
    print(
        "   step     loss  behaviour  variables   nodes   edges  all edges  ablations"
        "  adversary  wrong"
    )


def _row(history: Any) -> str:
    from zoo.training.session import report

    figures = report(history[-1])
    return (
        f"{figures['step']:>7} {figures['loss']:>8.4f} {figures['behaviour']:>10.4f} "
        f"{figures['interchange']:>10.4f} {figures['nodes']:>7.4f} "
        f"{_share(figures['edges'], 7)} {figures['all_edges']:>10.4f} "
        f"{_share(figures['ablations'], 10)} {_share(figures['adversary'], 10)} "
        f"{'-' if figures['wrong'] is None else figures['wrong']:>6}"
    )


def _share(figure: float | None, width: int) -> str:
    return f"{'-' if figure is None else f'{figure:.4f}':>{width}}"


def _finish(result: Any, folder: Path) -> None:
    step = result.history[-1].step
    print(f"\nstep {step}: {_words(result)}")
    print(f"The model is in {folder}; zoo audit {folder} writes its certificate.")
    if result.outcome != "passed":
        sys.stdout.flush()
        raise typer.Exit(1)


def _words(result: Any) -> str:
    """Return how a training ended, with the figures that are too low."""
    from zoo.training.outcome import shortfalls
    from zoo.training.recipe import is_twin

    recipe = result.run.recipe
    if result.outcome == "diverged":
        return "the loss became infinite or undefined"
    if result.outcome == "budget":
        missed = shortfalls(result.history[-1], recipe)
        return f"the steps are used up; {'; '.join(missed)}"
    twin = is_twin(vars(recipe))
    return f"{'the behaviour' if twin else 'every'} threshold is met"
