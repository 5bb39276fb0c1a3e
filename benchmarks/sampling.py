"""Random programs: how fast they are found, and how many draws are kept

`zoo.sample` draws programs of several goals, in one process and one thread. Seconds are
of drawing, checking and printing; imports are left out.

Then a dataset of different programs of 2 to 5 layers is written, each with its compiled
model (`zoo sample --format dataset --layers 2-5`). Its CPU seconds are of drawing,
checking, compiling, running every model on 256 inputs, and writing. The dataset is kept
in `out/`, so that a run which is stopped goes on; `SAMPLED_PROGRAMS` is how many there
are to be. Every fiftieth row is read back from the files, its arrays are cut out of the
vector of weights by the code of the dataset's card, and the transformer is run on every
input beside the interpreter of the row's text.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pool import WORKERS
from benchmarks.report import RESULTS, Table, Target

GOALS = ((1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2), (5, 1))
EACH = 40
COMPARED = 5
"""Programs of each goal whose compiled model is compared with the definition."""
WANTED = int(os.environ.get("SAMPLED_PROGRAMS", "10000"))
BATCH, READ_EVERY = 250, 50
LAYERS = "2-5"
FOLDER = Path(__file__).parents[1] / "out" / "benchmark_sampling"
RECORDS, PICTURE = RESULTS / "sampling.jsonl", RESULTS / "sampling_sizes.png"
KNOWN_GENERATOR = {"seconds": "0.04 to 0.55", "distinct": 563 / 1777, "local": 0.78}
"""Of decompile-tracr at length 4, as measured earlier on another machine: seconds a
program, share that behaves differently from all others, share that depends on one token
and its position."""


def measure(quick: bool) -> dict[str, Any]:
    """Return times, shares and figures of the programs of every goal."""
    each = 5 if quick else EACH
    load = os.getloadavg()[0]
    goals = GOALS[:4] if quick else GOALS
    rows = [_measure_goal(layers, heads, each) for layers, heads in goals]
    found: dict[str, Any] = {"rows": rows}
    if not quick:
        found["dataset"] = _measure_dataset(WANTED)
    return {**found, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}


def _measure_goal(layers: int, heads: int, each: int) -> dict[str, Any]:
    import zoo
    from zoo.sampling.drawing import draw_suite  # noqa: F401  (its import takes time)

    cpu, wall = time.process_time(), time.perf_counter()
    suite = zoo.sample(each, layers=layers, heads=heads, progress=False)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    programs = suite.programs
    wrong = sum(_wrong_outputs(p.text) for p in programs[:COMPARED])
    return {
        "layers": layers,
        "heads": heads,
        "programs": len(programs),
        "draws": suite.draws,
        "rejected": suite.rejected,
        "cpu": round(cpu, 2),
        "wall": round(wall, 2),
        "reached": dict(Counter(p.layers for p in programs)),
        "nodes": round(sum(p.nodes for p in programs) / len(programs), 2),
        "outputs": dict(Counter(p.output for p in programs)),
        "families": dict(Counter(f for p in programs for f in p.families)),
        "least_changed": min(p.changed for p in programs),
        "wrong": wrong,
    }


def _wrong_outputs(text: str) -> int:
    """Return at how many positions of all inputs a compiled model is wrong."""
    import zoo
    from compiler.verify import verify_outputs

    return verify_outputs(zoo.compile(text)).wrong


# The dataset ----------------------------------------------------------------------


def _measure_dataset(wanted: int) -> dict[str, Any]:
    """Return the figures of a dataset, which is written as far as it is not there."""
    records = _write(wanted)
    rows = list(_rows())
    _draw_sizes(rows)
    compared, wrong = _read_back(rows[::READ_EVERY])
    last = records[-1]
    return {
        "programs": len(rows),
        "draws": last["draws"],
        "rejected": last["rejected"],
        "distinct": len({row["hash"] for row in rows}),
        "compared": sum(row["compared"] > 0 for row in rows),
        "local": sum(row["local"] > 0.95 for row in rows),
        "cpu": round(sum(record["cpu"] for record in records), 1),
        "wall": round(sum(record["wall"] for record in records), 1),
        "workers": sorted({record["workers"] for record in records}),
        "layers": last["layers"],
        "read_back": {"models": compared, "wrong": wrong},
        "parameters": _quantiles([row["n_params"] for row in rows]),
    }


def _quantiles(sizes: list[int]) -> list[int]:
    """Return the least, the middle and the greatest of some sizes."""
    return [int(np.quantile(sizes, q, method="nearest")) for q in (0, 0.5, 1)]


def _write(wanted: int) -> list[dict[str, Any]]:
    """Write what is missing in batches; return the record of each batch."""
    import zoo

    records = _records()
    while (done := records[-1]["programs"] if records else 0) < wanted:
        cpu, wall = _cpu_seconds(), time.perf_counter()
        found = zoo.sample(
            min(done + BATCH, wanted),
            layers=LAYERS,
            format="dataset",
            out=FOLDER,
            shard=BATCH,
            jobs=WORKERS,
        )
        record = {
            "programs": found.programs,
            "draws": found.draws,
            "rejected": found.rejected,
            "layers": found.layers,
            "cpu": round(_cpu_seconds() - cpu, 2),
            "wall": round(time.perf_counter() - wall, 2),
            "workers": WORKERS,
        }
        records.append(record)
        with RECORDS.open("a") as file:
            file.write(json.dumps(record) + "\n")
    return records


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that have ended below it."""
    found = os.times()
    return found.user + found.system + found.children_user + found.children_system


def _records() -> list[dict[str, Any]]:
    """Return the records of batches, none where the dataset is not there any more."""
    if not (FOLDER / "dataset.json").exists() or not RECORDS.exists():
        RECORDS.unlink(missing_ok=True)
        return []
    return [json.loads(line) for line in RECORDS.read_text().splitlines()]


def _rows() -> Iterator[dict[str, Any]]:
    """Yield the rows of the dataset, without weights, in the order of the files."""
    import pyarrow.parquet as pq

    for path in sorted(FOLDER.glob("shards/*/*.parquet")):
        names = [n for n in pq.read_schema(path).names if n != "weights"]
        for number, row in enumerate(pq.read_table(path, columns=names).to_pylist()):
            yield {**row, "path": path, "number": number}


def _read_back(rows: list[dict[str, Any]]) -> tuple[int, int]:
    """Return (models that were run, positions at which one is wrong) of some rows."""
    card = (FOLDER / "README.md").read_text("utf-8")
    code = next(c for c in re.findall(r"```python\n(.*?)```", card, re.S) if "def" in c)
    space: dict[str, Any] = {}
    exec(code, space)  # the code that the card shows
    return len(rows), sum(_wrong_in_row(row, space["arrays"]) for row in rows)


def _wrong_in_row(row: dict[str, Any], arrays: Any) -> int:
    """Return at how many positions a row's weights do not compute its text."""
    import pyarrow.parquet as pq

    from compiler.ir.interpret import interpret
    from compiler.lower.readout import Readout, decode_indices
    from compiler.passes.check import sample_inputs
    from compiler.pipeline import compile_stages, read_source
    from compiler.text.program import read_program
    from compiler.text.source import SourceText
    from zoo.sampling.records import spell_value

    column = pq.read_table(row["path"], columns=["weights"])["weights"]
    found = arrays({**row, "weights": column[row["number"]].as_py()})
    typed = compile_stages(read_source(read_program(SourceText(row["text"])))).typed
    tokens, lengths, _ = sample_inputs(typed, 6000, 0)
    output = interpret(typed, tokens, lengths).output
    values = typed.variables[typed.output].domain.values
    assert [spell_value(v) for v in values] == row["values"]
    live = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
    ids = np.where(live, tokens, row["pad_id"])
    ids = np.pad(ids, ((0, 0), (1, 0)), constant_values=row["bos_id"])
    logits = _logits(row, found, ids)[:, 1:]
    said = decode_indices(Readout(row["readout"], values), logits)
    return int(((said != output) & live).sum())


def _logits(
    row: dict[str, Any], w: dict[str, np.ndarray], ids: np.ndarray
) -> np.ndarray:
    """Return the logits of a row's transformer, as its card describes it."""
    ctx = ids.shape[1]
    seen = np.repeat((ids != row["pad_id"])[:, None], ctx, axis=1)
    if row["causal"]:
        seen = seen & np.tri(ctx, dtype=bool)
    seen = seen | np.eye(ctx, dtype=bool)
    stream = w["embed.W_E"][ids] + w["pos_embed.W_pos"][:ctx]
    for layer in range(row["n_layers"]):
        own = f"blocks.{layer}."
        p = {k.removeprefix(own): v for k, v in w.items() if k.startswith(own)}
        added = p["attn.b_O"]
        for head in range(row["n_heads"]):
            q, k, v = (
                stream @ p[f"attn.W_{x}"][head] + p[f"attn.b_{x}"][head] for x in "QKV"
            )
            scores = q @ k.swapaxes(1, 2) / np.sqrt(np.float32(row["d_head"]))
            scores = np.where(seen, scores, np.float32(-np.inf))
            pattern = np.exp(scores - scores.max(axis=2, keepdims=True))
            pattern /= pattern.sum(axis=2, keepdims=True)
            added = added + pattern @ v @ p["attn.W_O"][head]
        stream = stream + added
        hidden = np.maximum(stream @ p["mlp.W_in"] + p["mlp.b_in"], 0)
        stream = stream + hidden @ p["mlp.W_out"] + p["mlp.b_out"]
    return stream @ w["unembed.W_U"] + w["unembed.b_U"]


def _draw_sizes(rows: list[dict[str, Any]]) -> None:
    """Draw histograms of the parameters and of the nodes of all models, by layers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    depths = sorted({row["n_layers"] for row in rows})
    colours = ["#9ecae1", "#4292c6", "#08519c", "#08306b"]
    sizes = [[r["n_params"] for r in rows if r["n_layers"] == n] for n in depths]
    nodes = [[r["nodes"] for r in rows if r["n_layers"] == n] for n in depths]
    flat = [size for each in sizes for size in each]
    names = [f"{n} layers" for n in depths]
    bins = np.geomspace(min(flat), max(flat) + 1, 40)
    left.hist(sizes, bins=bins, stacked=True, color=colours[: len(depths)], label=names)
    left.set_xscale("log")
    left.set_xlabel("parameters of the compiled model")
    left.set_ylabel("programs")
    most = max(map(max, nodes))
    right.hist(
        nodes,
        bins=np.arange(0.5, most + 1.5),
        stacked=True,
        color=colours[: len(depths)],
        label=names,
    )
    right.set_xlabel("heads and MLPs that hold a variable")
    right.set_xticks(range(2, most + 1, 1))
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    span = f"{depths[0]} to {depths[-1]} layers"
    figure.suptitle(f"{len(rows):,} random programs of {span}")
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


# What is shown --------------------------------------------------------------------


def tables(result: dict[str, Any]) -> list[Table]:
    """Return a row a goal, why draws were not kept, and the figures of the dataset."""
    rows = [
        (
            f"{row['layers']}, {row['heads']}",
            f"{row['programs']}",
            f"{row['programs'] / row['draws']:.0%}",
            f"{row['programs'] / row['cpu']:.1f}",
            f"{row['programs'] / row['wall']:.1f}",
            f"{row['nodes']:.1f}",
            f"{row['least_changed']:.4f}",
            f"{row['wrong']}",
        )
        for row in result["rows"]
    ]
    before, after = result["load"]
    notes = (
        "nodes: heads and MLPs, mean. "
        "changed: the least share of outputs that the interchange of one head or one "
        "table changes, over the programs of a row. wrong: outputs of the compiled "
        f"models of {COMPARED} programs a row, on every input. The machine was shared: "
        f"its load average was {before} before and {after} after, so wall time says "
        "little, and CPU time more than on an idle machine.",
    )
    header = ("<layers, heads", "programs", "kept", "a CPU s", "a wall s")
    found = [
        Table("Random programs", (*header, "nodes", "changed", "wrong"), rows, notes),
        Table(
            "Why draws were not kept",
            ("<reason", *(f"{r['layers']}, {r['heads']}" for r in result["rows"])),
            [
                (reason, *(str(row["rejected"][reason]) for row in result["rows"]))
                for reason in result["rows"][0]["rejected"]
            ],
        ),
    ]
    if dataset := result.get("dataset"):
        found.append(_dataset_table(dataset))
    return found


def _dataset_table(found: dict[str, Any]) -> Table:
    """Return the figures of the dataset beside those of the known generator."""
    programs, cpu = found["programs"], found["cpu"]
    least, middle, most = found["parameters"]
    layers = ", ".join(f"{n}: {times:,}" for n, times in found["layers"].items())
    reasons = ", ".join(f"{why}: {n:,}" for why, n in found["rejected"].items())
    known = KNOWN_GENERATOR

    def share(name: str) -> str:
        return f"{found[name] / programs:.1%}"

    rows = [
        ("programs", f"{programs:,}", ""),
        ("different behaviours", share("distinct"), f"{known['distinct']:.0%}"),
        ("one token and its position decide", share("local"), f"{known['local']:.0%}"),
        ("model equals program on 256 inputs", share("compared"), ""),
        ("draws kept", f"{programs / found['draws']:.0%}", ""),
        ("CPU s a program, with its model", f"{cpu / programs:.3f}", known["seconds"]),
        ("minutes for 10,000 on two cores", f"{cpu / programs * 1e4 / 120:.0f}", ""),
        ("parameters: least, middle, most", f"{least:,}, {middle:,}, {most:,}", ""),
    ]
    back, workers = found["read_back"], found["workers"][-1]
    notes = (
        f"By attention layers: {layers}. Draws that were not kept: {reasons}.",
        f"{back['models']} rows were read back from the files and run on every input: "
        f"{back['wrong']} outputs differ from the interpreter of their text. The "
        f"minutes are CPU seconds of this run, {cpu:,.0f} in all, divided by two. The "
        f"run itself took {found['wall'] / 60:.0f} minutes in {workers} process of a "
        "machine that was shared. The known generator is decompile-tracr at length 4, "
        "measured earlier on another machine.",
        f"![Histogram of sizes](results/{PICTURE.name})",
    )
    header = ("<figure", "found", "known generator")
    return Table(f"A dataset of programs of {LAYERS} layers", header, rows, notes)


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether wanted depths are reached and compiled models are right."""
    rows = result["rows"]
    reached = all(set(map(int, row["reached"])) == {row["layers"]} for row in rows)
    wrong = sum(row["wrong"] for row in rows)
    found = [
        Target(
            "sampled programs: layers as asked, wrong outputs of compiled models",
            "all, 0",
            f"{'all' if reached else 'not all'}, {wrong}",
            reached and wrong == 0,
        )
    ]
    if dataset := result.get("dataset"):
        found += _dataset_targets(dataset)
    return found


def _dataset_targets(found: dict[str, Any]) -> list[Target]:
    programs = found["programs"]
    minutes = found["cpu"] / programs * 1e4 / 120
    right = found["compared"] == programs == found["distinct"]
    back = found["read_back"]["wrong"]
    return [
        Target(
            "sampled programs of 2 to 5 layers: 10,000 in minutes of two cores",
            "at most 30",
            f"{minutes:.0f}, from {programs:,}",
            minutes <= 30,
        ),
        Target(
            "the same: different and verified, local, wrong when read back",
            "all, 0, 0",
            f"{'all' if right else 'not all'}, {found['local']}, {back}",
            right and found["local"] == back == 0,
        ),
    ]
