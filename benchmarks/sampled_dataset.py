"""A large dataset of sampled programs: written in batches, read back, drawn.

`sampling.py` says what is measured, and shows it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pool import WORKERS
from benchmarks.report import RESULTS

WANTED = int(os.environ.get("SAMPLED_PROGRAMS", "10000"))
BATCH, READ_EVERY = 250, 50
LAYERS = "2-5"
FOLDER = Path(__file__).parents[1] / "out" / "benchmark_sampling"
RECORDS, PICTURE = RESULTS / "sampling.jsonl", RESULTS / "sampling_sizes.png"


def measure_dataset(wanted: int = WANTED) -> dict[str, Any]:
    """Return the figures of a dataset, which is written as far as it is not there."""
    written = WrittenDataset(FOLDER, RECORDS, LAYERS, BATCH)
    records = written.write(wanted)
    rows = list(written.rows())
    _draw_sizes(rows)
    compared, wrong = written.read_back(rows[::READ_EVERY])
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


@dataclass(frozen=True)
class WrittenDataset:
    """A dataset that is written in batches, so that a run which is stopped goes on.

    Attributes:
        folder: of the dataset.
        records: a file with a line of JSON for each batch.
        layers: of the programs, as `zoo sample` takes them.
        batch: how many models are written at a time.
    """

    folder: Path
    records: Path
    layers: str
    batch: int

    def write(self, wanted: int) -> list[dict[str, Any]]:
        """Write what is missing of so many models; return the record of each batch."""
        import zoo

        records = self._written()
        while (done := records[-1]["programs"] if records else 0) < wanted:
            load = os.getloadavg()[0]
            cpu, wall = _cpu_seconds(), time.perf_counter()
            found = zoo.sample(
                min(done + self.batch, wanted),
                layers=self.layers,
                format="dataset",
                out=self.folder,
                shard=self.batch,
                jobs=WORKERS,
            )
            record = {
                "programs": found.programs,
                "draws": found.draws,
                "rejected": found.rejected,
                "layers": found.layers,
                "splits": found.splits,
                "cpu": round(_cpu_seconds() - cpu, 2),
                "wall": round(time.perf_counter() - wall, 2),
                "workers": WORKERS,
                "load": round(load, 1),
            }
            records.append(record)
            with self.records.open("a") as file:
                file.write(json.dumps(record) + "\n")
        return records

    def _written(self) -> list[dict[str, Any]]:
        """Return the records of batches, none where the dataset is not there."""
        if not (self.folder / "dataset.json").exists() or not self.records.exists():
            self.records.unlink(missing_ok=True)
            return []
        return [json.loads(line) for line in self.records.read_text().splitlines()]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows, without weights, in the order of the files."""
        import pyarrow.parquet as pq

        for path in sorted(self.folder.glob("shards/*/*.parquet")):
            names = [n for n in pq.read_schema(path).names if n != "weights"]
            table = pq.read_table(path, columns=names)
            for number, row in enumerate(table.to_pylist()):
                yield {**row, "path": path, "number": number}

    def read_back(self, rows: list[dict[str, Any]]) -> tuple[int, int]:
        """Return (models that were run, positions at which one is wrong) of rows."""
        card = (self.folder / "README.md").read_text("utf-8")
        blocks = re.findall(r"```python\n(.*?)```", card, re.S)
        space: dict[str, Any] = {}
        exec(next(c for c in blocks if "def" in c), space)  # what the card shows
        return len(rows), sum(_wrong_in_row(row, space["arrays"]) for row in rows)


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that have ended below it."""
    found = os.times()
    return found.user + found.system + found.children_user + found.children_system


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
