"""Releases with one lie in them, their digests right: `zoo verify --quick` names it.

Three small releases that no audit measured (its figures are made up, so that some of
them are found out before any lie is told): compiled, trained and of a task. What counts
is what is found besides.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import zoo
from compiler.errors import FormatError
from compiler.machine.weights import init
from compiler.model import Model
from compiler.notation import render
from compiler.save import load_model
from compiler.sealed import SUMS, digest, sums_of
from zoo.auditing.certificate import Certificate, EdgeFinding, claims_of, rate
from zoo.auditing.subject import subject_of
from zoo.causal.by_hand import describe, facts_of, task_of
from zoo.cli import app
from zoo.release.build import Draft, make_files
from zoo.release.check import Checked, check_release
from zoo.release.documents import CERTIFICATE_DOCUMENT
from zoo.release.shelf import add
from zoo.tasks.induction import InductionHeads
from zoo.training.check import Check
from zoo.training.placement import make_config, place
from zoo.training.recipe import Recipe
from zoo.training.session import causal_model
from zoo.training.sizes import sized
from zoo.training.store import Setting, recipe_text

Files = dict[str, bytes]
Lie = Callable[[Files], None]

TEST, TRAIN = "data/test.parquet", "data/train.parquet"
TASK = InductionHeads("abc", 2)
RECIPE = Recipe(steps=500, inputs=200, pairs=4, d_mlp=8, behaviour_at_least=0.9)
ALL, NONE = rate(10, 10), rate(0, 10)


# Three releases -------------------------------------------------------------------


def made_up(model: Model, causal: Any = None) -> Certificate:
    """Return a certificate of the right form, whose edges change nothing."""
    subject = subject_of(model, causal)
    names = model.config.names
    outside = {str(e): ALL for e in model.circuit.complement()}
    circuit = tuple(
        EdgeFinding(str(e), model.circuit.carries.get(e, ()), "unused", NONE, ALL, None)
        for e in model.circuit.edges
    )
    interchange = {g.name: ALL for g in subject.groups}
    nodes = {names.sources[n]: ALL for n in subject.others}
    ids, complete = subject.causal.inputs(50_000, 0)
    figures = ALL, interchange, nodes, outside, ALL, circuit
    claims = claims_of(subject.claims, *figures)
    return Certificate(
        model=model.name,
        seed=0,
        inputs=len(ids),
        all_inputs=complete,
        pairs=len(ids) ** 2,
        all_pairs=True,
        behaviour=ALL,
        interchange=interchange,
        nodes=nodes,
        circuit=circuit,
        edges=outside,
        effects=dict.fromkeys(outside, NONE),
        all_edges=ALL,
        claims=claims,
    )


def compiled_files() -> Files:
    """Return the files of a compiled release, with one witness that is true."""
    model = zoo.compile("reverse", vocab=list("ab"), max_len=3)
    return make_files(Draft("small", 1, model, made_up(model)))


def trained(causal: Any) -> tuple[Model, list[Check]]:
    """Return a model as trained, with the weights of the first step."""
    recipe = sized(RECIPE, causal)
    config = make_config(causal, recipe)
    placement = place(causal, config, recipe)
    nodes = config.names.sources[2:]
    inside = [n for n in nodes if n in set(placement.node.values())]
    shares = dict.fromkeys(inside, 1.0), dict.fromkeys(set(nodes) - set(inside), 1.0)
    worst = str(placement.circuit.complement()[0])
    task = isinstance(causal, InductionHeads)
    about = facts_of(causal) if task else causal.facts
    more = {"kind": "trained", "outcome": "passed", "steps": 500}
    model = Model(
        name=causal.name,
        typed=describe(causal) if task else causal.typed,
        config=config,
        weights=init(config, 0),
        readout=causal.readout,
        circuit=placement.circuit,
        rows={},
        facts={**about, **more, "recipe": asdict(recipe)},
    )
    return model, [Check(500, 0.5, 1.0, *shares, worst, 1.0, 1.0)]


def trained_files(causal: Any, task: Any = None) -> Files:
    """Return the files of a trained release."""
    model, checks = trained(causal)
    setting = Setting(model.name, model.typed.vocab, model.typed.max_len)
    recipe = recipe_text(model.facts["recipe"], setting)
    history = [asdict(c) for c in checks]
    about = "small", 1, model, made_up(model, task)
    return make_files(Draft(*about, recipe, history, task))


@pytest.fixture(scope="module", autouse=True)
def few_rows():
    """A few pairs show what many do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.release.data.SPLITS", {"train": 24, "test": 8})
        yield


@pytest.fixture(scope="module")
def honest(few_rows) -> dict[str, Files]:
    program = zoo.programs()["reverse"]
    small = causal_model(replace(program, vocab=("a", "b"), max_len=3))
    return {
        "compiled": compiled_files(),
        "trained": trained_files(small),
        "task": trained_files(TASK, TASK),
    }


@pytest.fixture(scope="module")
def found_before(honest, tmp_path_factory) -> dict[str, set[str]]:
    """What is found of each before any lie: that nobody audited it."""
    folder = tmp_path_factory.mktemp("honest")
    return {
        kind: set(map(str, check(files, folder / kind).differences))
        for kind, files in honest.items()
    }


def check(files: Files, folder: Path) -> Checked:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    causal = TASK if b'"task": "induction_heads"' in files["program.json"] else None
    return check_release(folder, quick=True, causal=causal)


# Lies -----------------------------------------------------------------------------


def on_json(file: str, change: Callable[[Any], Any]) -> Lie:
    """Return the lie that changes what a JSON file says."""

    def tell(files: Files) -> None:
        data = json.loads(files[file])
        data = change(data) or data
        if file == "certificate.json":
            files[file] = (json.dumps(data, indent=1) + "\n").encode()
        else:
            files[file] = render(data)

    return tell


def put(*path: Any) -> Callable[[Any], None]:
    """Return the change that puts the last item where the others lead."""

    def change(data: Any) -> None:
        *keys, last, value = path
        for key in keys:
            data = data[key]
        data[last] = value

    return change


def on_rows(
    file: str, change: Callable[[list[dict[str, Any]]], Any], **options: Any
) -> Lie:
    """Return the lie that changes the rows of a table."""

    def tell(files: Files) -> None:
        table = pq.read_table(io.BytesIO(files[file]))
        rows = table.to_pylist()
        rows = change(rows) or rows
        schema = table.schema.with_metadata(options.pop("metadata", None))
        out = io.BytesIO()
        settings = {"compression": "zstd", "store_schema": False, **options}
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), out, **settings)
        files[file] = out.getvalue()

    return tell


def on_text(file: str, before: str, after: str) -> Lie:
    """Return the lie that replaces a text in a file."""

    def tell(files: Files) -> None:
        assert before.encode() in files[file]
        files[file] = files[file].replace(before.encode(), after.encode(), 1)

    return tell


ABOUT: dict[Lie, Lie] = {}
"""By consistent lie, what it changes of the core."""


def consistent(lie: Lie) -> Lie:
    """Return a lie about the core with every other file made to agree with it."""

    def tell(files: Files) -> None:
        import tempfile

        from compiler.notation import parse
        from zoo.release.history import history_from_parquet

        lie(files)
        del files[SUMS]
        files[SUMS] = sums_of(files)
        with tempfile.TemporaryDirectory() as name:
            for file, data in files.items():
                (Path(name) / file).parent.mkdir(parents=True, exist_ok=True)
                (Path(name) / file).write_bytes(data)
            model = load_model(name)
        said = CERTIFICATE_DOCUMENT.read(parse(files["certificate.json"], "c"))
        recipe = files.get("recipe.toml", b"").decode()
        history = []
        if "history.parquet" in files:
            history = history_from_parquet(files["history.parquet"])
        causal = TASK if task_of(model) == TASK.name else None
        draft = Draft("small", 1, model, said, recipe, history, causal)
        files.update(make_files(draft))

    ABOUT[tell] = lie
    return tell


def together(lies: Sequence[Lie]) -> Lie:
    """Return some lies as one; other files are made to agree with them once."""
    about = [ABOUT.get(lie) for lie in lies]

    def tell(files: Files) -> None:
        for lie, core in zip(lies, about, strict=True):
            (core or lie)(files)

    return consistent(tell) if all(about) else tell


def seal(files: Files) -> None:
    """Make every digest right again."""
    try:
        data = json.loads(files["croissant.json"])
        for entry in data["distribution"]:
            entry["sha256"] = digest(files[entry["name"]])
        files["croissant.json"] = render(data)
    except (KeyError, ValueError):
        pass
    files.pop(SUMS)
    files[SUMS] = sums_of(files)


def swap(rows: list[dict[str, Any]]) -> None:
    row = rows[0]
    row["clean_outputs"], row["corrupt_outputs"] = (
        row["corrupt_outputs"],
        row["clean_outputs"],
    )


def all_rows(**values: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row.update(values)

    return change


def cut(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose corrupt input is a token shorter than the clean one."""
    size = len(row["corrupt"]) - 1
    ids = row["corrupt_ids"]
    ids = [*ids[: size + 1], *[3] * (len(ids) - size - 1)]
    return {**row, "corrupt": row["corrupt"][:size], "corrupt_ids": ids}


def zero_rows(data: dict[str, Any]) -> None:
    for name, rows in data["rows"].items():
        data["rows"][name] = np.zeros_like(rows).tolist()


def other_weights_and_rows(files: Files) -> None:
    """Move the weights further than rounding does, so that rows are measured."""
    from safetensors.numpy import load, save

    tensors = load(files["model.safetensors"])
    tensors["unembed.b_U"] = tensors["unembed.b_U"] + np.float32(0.01)
    files["model.safetensors"] = save(tensors)
    on_json("circuit.json", half_of_rows)(files)


def half_of_rows(data: dict[str, Any]) -> None:
    for name, rows in data["rows"].items():
        data["rows"][name] = (np.array(rows) / 2).tolist()


def move_site(data: dict[str, Any]) -> None:
    sites = data["circuit"]["sites"]
    name = next(n for n, s in sites.items() if s["node"].startswith("a"))
    sites[name]["node"] = "a0.h0" if sites[name]["node"] != "a0.h0" else "a1.h0"


def drop_edge(data: dict[str, Any]) -> None:
    edge = data["circuit"]["edges"].pop(0)
    data["circuit"]["carries"].pop(edge)


def rotate_vocab(data: dict[str, Any]) -> None:
    data["program"]["vocab"] = data["program"]["vocab"][::-1]
    for variable in data["program"]["variables"]:
        if variable["operation"].get("source") == "tokens":
            variable["values"] = variable["values"][::-1]


def positions(data: dict[str, Any]) -> None:
    variable = data["program"]["variables"][-1]
    variable["positions"] = ["1" * len(p) for p in variable["positions"]]
    variable["positions"][0] = "0" * len(variable["positions"][0])


def strange(name: str, data: bytes) -> Lie:
    return lambda files: files.update({name: data})


def left_out(name: str) -> Lie:
    def leave_out(files: Files) -> None:
        del files[name]

    return leave_out


def metadata_of_weights(files: Files) -> None:
    from safetensors.numpy import load, save

    files["model.safetensors"] = save(
        load(files["model.safetensors"]), metadata={"by": "somebody"}
    )


def facts(key: str, value: Any) -> Lie:
    return consistent(on_json("program.json", put("facts", key, value)))


CERT = "certificate.json"
TAIL = "import os; os.system('true')\n"
SCRIPT = "<script>alert(1)</script></svg>"
# name -> (release, lie, the file that is named, a part of the place or the words)
LIES: Mapping[str, tuple[str, Lie, str, str]] = {
    "outputs swapped": ("compiled", on_rows(TEST, swap), TEST, "row 0, clean_outputs["),
    "outputs emptied": (
        "compiled",
        on_rows(TEST, all_rows(clean_outputs=[], corrupt_outputs=[])),
        TEST,
        "row 0, clean_outputs: says 0 outputs",
    ),
    "unknown tokens": (
        "compiled",
        on_rows(TEST, all_rows(clean=["zzz"])),
        TEST,
        'row 0, clean[0]: says "zzz"',
    ),
    "other ids": (
        "compiled",
        on_rows(TRAIN, all_rows(clean_ids=[2, 0, 1, 0])),
        TRAIN,
        "clean_ids",
    ),
    "a position that differs not": (
        "compiled",
        on_rows(TRAIN, all_rows(position=99)),
        TRAIN,
        "row 0, position",
    ),
    "answers": (
        "compiled",
        on_rows(TRAIN, all_rows(clean_answer="a", corrupt_answer="a")),
        TRAIN,
        '_answer: says "a", expected "b"',
    ),
    "variables that differ": (
        "compiled",
        on_rows(TRAIN, all_rows(variables=["length"])),
        TRAIN,
        "row 0, variables",
    ),
    "lengths": (
        "compiled",
        on_rows(TRAIN, lambda rows: [cut(row) for row in rows]),
        TRAIN,
        "row 0, corrupt",
    ),
    "a row twice": (
        "compiled",
        on_rows(TRAIN, lambda rows: [*rows, rows[0]]),
        TRAIN,
        "a row more",
    ),
    "rows in another order": (
        "compiled",
        on_rows(TRAIN, lambda rows: rows[::-1]),
        TRAIN,
        "row 0: says the pair",
    ),
    "rows left out": (
        "compiled",
        on_rows(TRAIN, lambda rows: rows[:-1]),
        TRAIN,
        "says no row",
    ),
    "metadata of a table": (
        "compiled",
        on_rows(
            TEST, lambda rows: None, metadata={"by": "somebody"}, store_schema=True
        ),
        TEST,
        "metadata",
    ),
    "bytes of a table": (
        "compiled",
        on_rows(TEST, lambda rows: None, compression="none"),
        TEST,
        "does not write",
    ),
    "a table of nothing": ("compiled", strange(TEST, b"PAR1"), TEST, "unreadable"),
    "claims": (
        "compiled",
        on_json("release.json", put("claims", "edges", 0.5)),
        "release.json",
        "claims, edges: says 0.5",
    ),
    "pairs times 1000": (
        "compiled",
        on_json("release.json", lambda d: {**d, "pairs": d["pairs"] * 1000}),
        "release.json",
        "pairs",
    ),
    "variables": (
        "compiled",
        on_json("release.json", put("variables", 9)),
        "release.json",
        "variables: says 9",
    ),
    "kind": (
        "compiled",
        on_json("release.json", put("kind", "trained")),
        "release.json",
        "kind",
    ),
    "name": (
        "compiled",
        on_json("release.json", put("name", "larger")),
        "release.json",
        'name: says "larger", expected "small"',
    ),
    "version": (
        "compiled",
        on_json("release.json", put("version", 7)),
        "release.json",
        "version: says 7",
    ),
    "meaning in the summary": (
        "compiled",
        on_json("release.json", put("meaning", "It sorts.")),
        "release.json",
        "meaning",
    ),
    "another card": (
        "compiled",
        strange("README.md", b"# small\n"),
        "README.md",
        "line",
    ),
    "a figure of the card": (
        "compiled",
        on_text("README.md", "| behaviour |  | 1.0000", "| behaviour |  | 0.2000"),
        "README.md",
        "0.2000",
    ),
    "the licence of the card": (
        "compiled",
        on_text("README.md", "license: apache-2.0", "license: other"),
        "README.md",
        "line 2",
    ),
    "what is to be cited": (
        "compiled",
        strange("CITATION.cff", b"title: mine\n"),
        "CITATION.cff",
        "no such file",
    ),
    "a file more": ("compiled", strange("setup.py", b"x"), "setup.py", "no such file"),
    "a file more in data": (
        "compiled",
        strange("data/dev.parquet", b"x"),
        "data/dev.parquet",
        "no such file",
    ),
    "a recipe of no training": (
        "compiled",
        strange("recipe.toml", b"seed = 0\n"),
        "recipe.toml",
        "not trained",
    ),
    "a program to be run": (
        "compiled",
        strange("program.py", TAIL.encode()),
        "program.py",
        "line 1",
    ),
    "the program's text": (
        "compiled",
        facts("source", TAIL),
        "program.json",
        "facts, source",
    ),
    "the program's meaning": (
        "compiled",
        facts("meaning", "It sorts."),
        "program.json",
        "facts, meaning",
    ),
    "a note of a variable": (
        "compiled",
        consistent(
            on_json("program.json", put("program", "variables", 1, "note", "x"))
        ),
        "program.json",
        "variables[1], note",
    ),
    "the text of a variable": (
        "compiled",
        consistent(
            on_json("program.json", put("program", "variables", 1, "text", "x"))
        ),
        "program.json",
        "variables[1], text",
    ),
    "a note of the program": (
        "compiled",
        consistent(on_json("program.json", put("program", "notes", ["trust me"]))),
        "program.json",
        "notes",
    ),
    "positions of a variable": (
        "compiled",
        consistent(on_json("program.json", positions)),
        "program.json",
        "positions",
    ),
    "the order of the vocabulary": (
        "compiled",
        consistent(on_json("program.json", rotate_vocab)),
        "program.json",
        "program, variables[4], operation",
    ),
    "options of the compiler": (
        "compiled",
        facts("options", {"rotate": 3, "permute_heads": None, "decoys": 0, "seed": 0}),
        "program.json",
        "facts, options, rotate",
    ),
    "decoys": ("compiled", facts("decoys", ["x"]), "program.json", "facts, decoys"),
    "a second program": (
        "compiled",
        facts("beside", {"name": "sort", "output": "x"}),
        "program.json",
        "program",
    ),
    "a fact more": ("compiled", facts("award", "best"), "program.json", "facts, award"),
    "another family": (
        "compiled",
        facts("family", "mine\x1b[2J"),
        "program.json",
        "family",
    ),
    "a script in the picture": (
        "compiled",
        on_text("circuit.svg", "</svg>", SCRIPT),
        "circuit.svg",
        "script",
    ),
    "another picture": (
        "compiled",
        strange("circuit.svg", b"<svg/>"),
        "circuit.svg",
        "line",
    ),
    "no metadata of the data": (
        "compiled",
        strange("croissant.json", b"{}\n"),
        "croissant.json",
        "says nothing",
    ),
    "the licence of the data": (
        "compiled",
        on_json("croissant.json", put("license", "https://example.com")),
        "croissant.json",
        "license",
    ),
    "rows of zeros": (
        "compiled",
        consistent(on_json("circuit.json", zero_rows)),
        "circuit.json",
        "rows, ",
    ),
    "rows of a released file": (
        "compiled",
        on_json("circuit.json", zero_rows),
        "circuit.json",
        "numbers differ",
    ),
    "rows of other weights": (
        "compiled",
        consistent(other_weights_and_rows),
        "circuit.json",
        "as written",
    ),
    "an effect beside the circuit": (
        "compiled",
        on_json("circuit.json", put("annotation", "edges", 0, "effect", 0.75)),
        "circuit.json",
        "annotation, edges[0], effect",
    ),
    "a role": (
        "compiled",
        on_json("circuit.json", put("annotation", "variables", 0, "role", "router")),
        "circuit.json",
        "role",
    ),
    "the node of a variable": (
        "compiled",
        consistent(on_json("circuit.json", move_site)),
        "circuit.json",
        "sites",
    ),
    "an edge left out": (
        "compiled",
        consistent(on_json("circuit.json", drop_edge)),
        "circuit.json",
        "edges",
    ),
    "the shape": (
        "compiled",
        on_json("config.json", put("ln_eps", 0.25)),
        "config.json",
        "ln_eps",
    ),
    "words beside the weights": (
        "compiled",
        metadata_of_weights,
        "model.safetensors",
        "bytes that are not",
    ),
    "an interval": (
        "compiled",
        on_json(CERT, put("behaviour", "low", 0.9)),
        CERT,
        "low",
    ),
    "more than all": (
        "compiled",
        on_json(CERT, put("behaviour", "hits", 11)),
        CERT,
        "hits",
    ),
    "a status": (
        "compiled",
        on_json(CERT, put("circuit", 0, "status", "used")),
        CERT,
        "circuit[0], status",
    ),
    "a claim's worst": (
        "compiled",
        on_json(CERT, put("claims", 0, "worst", "m0")),
        CERT,
        "claims[0], worst",
    ),
    "fewer inputs": ("compiled", on_json(CERT, put("inputs", 3)), CERT, "inputs"),
    "a witness that is none": (
        "compiled",
        on_json(
            CERT,
            put(
                "circuit",
                0,
                "witness",
                dict(
                    WITNESS := {
                        "base": ["a"],
                        "source": ["b"],
                        "turn": 0,
                        "position": 0,
                        "before": ["b"],
                        "after": ["a"],
                    }
                ),
            ),
        ),
        CERT,
        "circuit[0], witness, before",
    ),
    "a witness of unknown tokens": (
        "compiled",
        on_json(CERT, put("circuit", 0, "witness", {**WITNESS, "base": ["q"]})),
        CERT,
        "circuit[0], witness, base",
    ),
    "an edge without a figure": (
        "compiled",
        on_json(CERT, lambda d: d["effects"].popitem() and None),
        CERT,
        "effects",
    ),
    "another model's certificate": (
        "compiled",
        on_json(CERT, put("model", "sort")),
        CERT,
        "model",
    ),
    "a learning rate": (
        "trained",
        on_text("recipe.toml", "learning_rate = 0.003", "learning_rate = 0.001"),
        "recipe.toml",
        "0.001",
    ),
    "a remark in the recipe": (
        "trained",
        on_text("recipe.toml", "\n[program]", "# trust me\n[program]"),
        "recipe.toml",
        "line",
    ),
    "another vocabulary in the recipe": (
        "trained",
        on_text("recipe.toml", '["a", "b"]', '["b", "a"]'),
        "recipe.toml",
        "vocab",
    ),
    "sizes in the recipe": (
        "trained",
        on_json("program.json", put("facts", "recipe", "d_mlp", 64)),
        "recipe.toml",
        "d_mlp",
    ),
    "steps of the training": (
        "trained",
        facts("steps", 7),
        "program.json",
        "facts, steps",
    ),
    "how the training ended": (
        "trained",
        facts("outcome", "budget"),
        "program.json",
        "facts, outcome",
    ),
    "a kind that it is not": (
        "trained",
        facts("kind", "compiled"),
        "program.json",
        "facts",
    ),
    "a step of the history": (
        "trained",
        on_rows("history.parquet", all_rows(step=499)),
        "history.parquet",
        "row 0, step",
    ),
    "a share above 1": (
        "trained",
        on_rows("history.parquet", all_rows(behaviour=1.5)),
        "history.parquet",
        "row 0, behaviour",
    ),
    "an unknown edge in the history": (
        "trained",
        on_rows("history.parquet", all_rows(worst_edge="m0->m9")),
        "history.parquet",
        "worst_edge",
    ),
    "the recipe left out": (
        "trained",
        left_out("recipe.toml"),
        "README.md",
        "The recipe is in",
    ),
    "the history left out": (
        "trained",
        left_out("history.parquet"),
        "README.md",
        "the checks are in no file",
    ),
    "a last check that fails": (
        "trained",
        on_rows("history.parquet", all_rows(behaviour=0.1)),
        "program.json",
        "facts, outcome",
    ),
    "no check at all": (
        "trained",
        on_rows("history.parquet", lambda rows: rows.clear()),
        "history.parquet",
        "at least 1",
    ),
    "an edge of a trained circuit": (
        "trained",
        consistent(on_json("circuit.json", drop_edge)),
        "circuit.json",
        "edges",
    ),
    "the text of a task": (
        "task",
        facts("source", TAIL),
        "program.json",
        "facts, source",
    ),
    "outputs of a task": ("task", on_rows(TEST, swap), TEST, "row 0, clean_outputs["),
}


# Told in one release, because none of them hides another one. Those that are made to
# agree with all other files go with their like.
TOGETHER = (
    (
        *("claims", "pairs times 1000", "variables", "kind", "name", "version"),
        *("meaning in the summary", "variables that differ"),
    ),
    (
        *("what is to be cited", "a file more", "a file more in data"),
        *("a recipe of no training", "a program to be run", "another picture"),
        *("the licence of the data", "a figure of the card", "other ids"),
    ),
    (
        *("the licence of the card", "a script in the picture", "metadata of a table"),
        "lengths",
    ),
    ("another card", "no metadata of the data", "a table of nothing", "a row twice"),
    ("outputs swapped", "rows in another order"),
    ("outputs emptied", "rows left out"),
    (
        *("unknown tokens", "the shape", "words beside the weights"),
        "a position that differs not",
    ),
    ("bytes of a table", "an effect beside the circuit", "a role", "answers"),
    (
        *("the program's meaning", "a note of a variable", "the text of a variable"),
        *("a note of the program", "decoys", "a fact more"),
    ),
    (
        *("an interval", "a status", "a claim's worst", "fewer inputs"),
        "another model's certificate",
    ),
    ("a learning rate", "another vocabulary in the recipe", "a step of the history"),
    ("a remark in the recipe", "a share above 1", "an unknown edge in the history"),
    ("steps of the training", "how the training ended"),
)
GROUPED = {name for group in TOGETHER for name in group}
GROUPS = (*TOGETHER, *((name,) for name in LIES if name not in GROUPED))


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_every_lie_is_named(names, honest, found_before, tmp_path):
    ((kind, *_),) = {LIES[name][:1] for name in names}
    files = dict(honest[kind])
    together([LIES[name][1] for name in names])(files)
    seal(files)
    found = check(files, tmp_path)
    new = [d for d in found.differences if str(d) not in found_before[kind]]
    for name in names:
        _, _, file, part = LIES[name]
        told = [str(d) for d in new if d.file == file]
        shown = name, part, told or list(map(str, new))[:9]
        assert any(part in line for line in told), shown
        assert all(line.isascii() and line.isprintable() for line in told)


@pytest.mark.parametrize("kind", ["compiled", "trained", "task"])
def test_without_a_lie_only_the_certificate_is_found_out(kind, found_before):
    assert all(
        line.startswith("certificate.json") or "outputs in data" in line
        for line in found_before[kind]
    )


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("release.json", '"heads":', '"heads": 1,\n"heads":'),
        ("circuit.json", '"beside": null', '"beside": NaN'),
        ("certificate.json", '"seed": 0', '"seed": NaN'),
        ("croissant.json", '"name":', '"name": "x",\n"name":'),
    ],
)
def test_a_key_that_comes_twice_or_no_number_is_refused(
    file, before, after, honest, tmp_path
):
    files = dict(honest["compiled"])
    on_text(file, before, after)(files)
    files[SUMS] = sums_of({k: v for k, v in files.items() if k != SUMS})
    with pytest.raises(FormatError, match=file):
        check(files, tmp_path)


def test_the_order_of_the_digests_is_found_out(honest, tmp_path):
    files = dict(honest["compiled"])
    files[SUMS] = b"\n".join(files[SUMS].strip().split(b"\n")[::-1]) + b"\n"
    found = check(files, tmp_path)
    assert any(d.file == SUMS and d.place == "line 1" for d in found.differences)


def test_a_line_of_the_index_and_the_folder_are_held_to_the_release(honest, tmp_path):
    folder, _ = add(tmp_path, "small", 1, honest["compiled"])
    before = {str(d) for d in check_release(folder, quick=True).differences}
    assert not any(line.startswith("index.json") for line in before)
    index = json.loads((tmp_path / "index.json").read_text())
    index["releases"][0]["claims"]["edges"] = 0.25
    (tmp_path / "index.json").write_bytes(render(index))
    found = [str(d) for d in check_release(folder, quick=True).differences]
    (line,) = set(found) - before
    assert line.startswith("index.json, small, claims, edges: says 0.25")
    other, _ = add(tmp_path, "other", 1, honest["compiled"])
    told = [str(d) for d in check_release(other, quick=True).differences]
    assert 'release.json, name: says "small", expected "other"' in told


def test_verify_prints_a_table_of_80_columns_and_ends_with_status_1(honest, tmp_path):
    files = dict(honest["compiled"])
    on_text("README.md", "license: apache-2.0", "license: \x1b[2Jother")(files)
    seal(files)
    check(files, tmp_path)
    ran = CliRunner().invoke(app, ["verify", str(tmp_path), "--quick"])
    assert ran.exit_code == 1
    lines = ran.output.splitlines()
    assert max(map(len, lines[2:])) <= 80
    assert "\x1b" not in ran.output
    assert any("program.py" in x and "made again: same bytes" in x for x in lines)
    assert "Taken on trust, for nothing here can show it:" in lines
    ran = CliRunner().invoke(app, ["verify", "reverse", "--quick"])
    assert ran.exit_code != 0
