"""Words a CPU second of programs that run, and whether they are the machines' words.

Each machine writes the traces of many random prompts side by side, in contexts of
several lengths, once for warming up and then some times; one process, CPU seconds. Only
prompts with long traces are taken, because all rows of a batch go on until the last one
ends. Every word is compared with that of the machine in plain Python.
"""

from __future__ import annotations

import warnings
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.alone import run_alone
from benchmarks.report import Table, Target
from benchmarks.throughput import rate

MACHINES = ("subleq_machine", "register_machine", "stack_machine")
CONTEXTS = (64, 256, 500)
BATCH, SECONDS, REPEATS = 64, 1.0, 3
CLAIMED = 30_000
"""Words a CPU second that are claimed for a machine of 7 layers and d_model 36."""


def traces(name: str, room: int) -> list[tuple[list[Any], list[Any]]]:
    """Return prompts, and what the machine writes, of at least half the context."""
    import programs
    from programs.traces import Traces

    accepts = programs.find(name).accepts
    assert isinstance(accepts, Traces)
    rng, found = np.random.default_rng(0), []
    while len(found) < BATCH:
        prompt = accepts.prompt(rng)
        left = room - len(prompt) - 1
        made = list(islice(accepts.run(prompt), left))
        if len(made) >= room // 2:
            found.append(([*prompt, accepts.end], made))
    return found


def speed(name: str, seconds: float, repeats: int) -> list[dict[str, Any]]:
    """Return one row a context: words a CPU second, and how many are right."""
    import programs
    from compiler.api import compile_model

    warnings.simplefilter("ignore", RuntimeWarning)  # most traces fill the context
    rows = []
    for room in CONTEXTS:
        model = compile_model(programs.find(name), max_len=room)
        found = traces(name, room)
        prompts = [prompt for prompt, _ in found]
        made = model.generate(prompts)
        pairs = [
            (word, wanted)
            for words, (_, right) in zip(made, found, strict=True)
            for word, wanted in zip(words, right, strict=True)
        ]

        def run(model: Any = model, prompts: Any = prompts) -> Any:
            return model.generate(prompts)

        config = model.config
        rows.append(
            {
                "context": room,
                "words": len(pairs),
                "right": sum(a == b for a, b in pairs),
                "rate": len(pairs) * rate(run, seconds, repeats),
                "shape": [config.n_layers, config.n_heads, config.d_model],
            }
        )
    return rows


def measure(quick: bool) -> dict[str, Any]:
    """Return the rows of each machine, measured in a process of its own."""
    job = {"seconds": 0.2 if quick else SECONDS, "repeats": 1 if quick else REPEATS}
    found = {}
    for name in MACHINES[: 1 if quick else None]:
        outcome = run_alone(__name__, "speed", {"name": name, **job})
        if outcome.failure:
            return {"failure": outcome.failure}
        found[name] = outcome.value
    return {"machines": found}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a machine and context."""
    if "failure" in result:
        return [Table(f"Machines: {result['failure']}", ("<",), [])]
    rows = [
        (
            name,
            f"{row['context']:,}",
            "{}, {}, {}".format(*row["shape"]),
            f"{row['rate']:,.0f}",
            f"{row['right']:,} of {row['words']:,}",
        )
        for name, found in result["machines"].items()
        for row in found
    ]
    return [
        Table(
            f"Programs that run: {BATCH} prompts side by side",
            ("<machine", "context", "layers, heads, d_model", "words/CPU s", "right"),
            rows,
            (f"Claimed elsewhere for 7 layers, d_model 36: {CLAIMED:,} words/CPU s.",),
        )
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether every word is right, and the best rate beside the claimed one."""
    if "failure" in result:
        return [Target("words of machines", "all", result["failure"][:30], None)]
    rows = [row for found in result["machines"].values() for row in found]
    right, words = sum(r["right"] for r in rows), sum(r["words"] for r in rows)
    best = max(row["rate"] for row in rows)
    return [
        Target("words of machines", "all", f"{right:,} of {words:,}", right == words),
        Target(
            "words a machine writes a CPU s, at best",
            f">= {CLAIMED:,}",
            f"{best:,.0f}",
            best >= CLAIMED,
        ),
    ]
