"""Parameters, layers and widths of the comparison's programs, beside Tracr's."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.peers.tracr import CASES, Case
from benchmarks.report import Table, Target

LIMIT = 100_000  # inputs up to which a row's model is run on all of them


def size_of(case: Case) -> dict[str, Any]:
    """Return the sizes of one row's model.

    `bare` leaves the unembedding out, as Tracr's count does.
    """
    from compiler.api import to_model
    from compiler.errors import ZooError
    from compiler.pipeline import compile_stages, read_source
    from compiler.verify import verify_outputs

    row: dict[str, Any] = {
        "program": case.name,
        "setting": case.setting,
        "tracr": vars(case.tracr),
    }
    try:
        stages = compile_stages(read_source(case.source(), case.vocab, case.max_len))
    except ZooError as error:
        return {**row, "failure": str(error)}
    config = stages.compiled.config
    program = stages.program.program
    accepts = None if program is None else program.accepts
    verified = verify_outputs(to_model(stages), limit=LIMIT, accepts=accepts)
    unembedding = (config.d_model + 1) * config.d_vocab_out
    return {
        **row,
        "params": config.n_params,
        "bare": config.n_params - unembedding,
        "d_model": config.d_model,
        "layers": config.n_layers,
        "fewest": stages.scheduled.fewest,
        "heads": config.n_heads,
        "d_head": config.d_head,
        "mlp": config.d_mlp,
        "inputs": verified.inputs,
        "complete": verified.complete,
        "wrong": verified.wrong,
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return the sizes of every row; `quick` changes nothing, this takes seconds."""
    return {"rows": [size_of(case) for case in CASES]}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a program."""
    return [
        Table(
            "Sizes: ours / Tracr's",
            (
                "<program",
                "<V, L",
                "layers",
                "d_model",
                "heads",
                "MLP",
                "all",
                "bare",
                "Tracr",
                "ratio",
                "wrong",
            ),
            [_row(row) for row in result["rows"]],
            (
                "all: every weight and bias. bare: without the unembedding, which "
                "Tracr's count leaves out. ratio: bare over Tracr's.",
                "layers: ours (fewest)/Tracr's. fewest: the longest chain of steps in "
                "our own plan; no schedule of it can have fewer layers.",
                "wrong: positions that differ from the interpreter, on all inputs if "
                f"they are at most {LIMIT:,}, else a sample of 20,000.",
                "The settings that Tracr's table leaves out follow from its d_model: "
                "see benchmarks/peers/tracr.py.",
            ),
        )
    ]


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    theirs = row["tracr"]
    head = (row["program"], row["setting"])
    if "failure" in row:
        return (*head, "fails", "", "", "", "", "", f"{theirs['params']:,}", "", "")
    both = [f"{row[key]}/{theirs[key]}" for key in ("d_model", "heads", "mlp")]
    layers = f"{row['layers']}({row['fewest']})/{theirs['layers']}"
    params = (f"{row['params']:,}", f"{row['bare']:,}", f"{theirs['params']:,}")
    return (
        *head,
        layers,
        *both,
        *params,
        f"{row['bare'] / theirs['params']:.2f}",
        str(row["wrong"]),
    )


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the largest ratio, the median ratio, and the layers."""
    rows = [row for row in result["rows"] if "failure" not in row]
    complete = len(rows) == len(result["rows"])
    wrong = [row["program"] for row in rows if row["wrong"]]
    found = [
        Target("rows of the table, outputs", "exact", f"{len(wrong)} wrong", not wrong)
    ]
    for key, name in (("bare", "size"), ("params", "size with unembedding")):
        ratios = {row["program"]: row[key] / row["tracr"]["params"] for row in rows}
        worst = max(ratios, key=lambda program: ratios[program])
        middle = median(ratios.values())
        larger = sum(ratio > 1 for ratio in ratios.values())
        text = f"{larger} larger; worst {ratios[worst]:.2f} ({worst})"
        found += [
            Target(
                f"{name}, rows", "none above Tracr's", text, complete and not larger
            ),
            Target(f"{name}, median", "<= 0.5 Tracr's", f"{middle:.2f}", middle <= 0.5),
        ]
    more = [row["program"] for row in rows if row["layers"] > max(1, row["fewest"])]
    above = [row["program"] for row in rows if row["layers"] > _least(row["tracr"])]
    return [
        *found,
        Target("layers", "fewest of the plan", f"{len(more)} rows have more", not more),
        Target(
            "layers, beside Tracr", "no more", f"{len(above)} rows have more", not above
        ),
    ]


def _least(tracr: dict[str, Any]) -> int:
    return tracr["layers"] if tracr["fewest"] is None else tracr["fewest"]
