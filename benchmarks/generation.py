"""Sequences a CPU second that `model.generate` writes, beside transformers' own.

The same prompts and weights, greedily, with a cache of keys and values on both sides;
the number of new tokens is fixed. One thread, warmed up. `model.generate` takes lists
of words and returns such; transformers takes and returns ids.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.alone import run_alone
from benchmarks.report import Table, Target
from benchmarks.throughput import rate

TASK = "induction_text"  # its vocabulary has no EOS: every text goes on to the end
SHAPES = ("gpt2", "llama")
SIZES: dict[str, Any] = {"n_layers": 4, "n_heads": 4, "d_model": 64, "d_head": 16}
PROMPT = 4  # words
BATCHES = (1, 64, 1024)
SECONDS, REPEATS = 1.0, 3


def rates(like: str, seconds: float, repeats: int) -> dict[str, Any]:
    """Return sequences a CPU second of both, by batch."""
    import zoo

    torch = import_module("torch")
    torch.set_num_threads(1)
    model = zoo.train(
        TASK, like=like, steps=1, check_every=1, pairs=8, progress=False, **SIZES
    ).model
    # PAD is hidden here and not there, so it must not be the greatest logit.
    W_U = np.array(model.weights.W_U)
    W_U[:, model.config.pad_id] = 0
    model = replace(model, weights=model.weights._replace(W_U=W_U))
    theirs = model.to_transformers()
    new = model.config.n_ctx - 1 - PROMPT
    vocab, rng, rows = model.typed.vocab, np.random.default_rng(0), []
    for batch in BATCHES:
        drawn = rng.integers(len(vocab), size=(batch, PROMPT))
        prompts = [[vocab[token] for token in row] for row in drawn]
        ids = torch.tensor(model.encode_batch(prompts)[:, : PROMPT + 1]).long()
        mask = torch.ones_like(ids)

        def ours(prompts: Any = prompts) -> list[Any]:
            return model.generate(prompts, max_new=new)

        def of_transformers(ids: Any = ids, mask: Any = mask) -> Any:
            return theirs.generate(
                ids,
                attention_mask=mask,
                max_new_tokens=new,
                do_sample=False,
                pad_token_id=model.config.pad_id,
            )

        said = [
            [model.readout.values[token] for token in row[PROMPT + 1 :].tolist()]
            for row in of_transformers()
        ]
        same = sum(a == b for a, b in zip(ours(), said, strict=True))
        rows.append(
            {
                "batch": batch,
                "same": same,
                "ours": batch * rate(ours, seconds, repeats),
                "transformers": batch * rate(of_transformers, seconds, repeats),
            }
        )
    versions = {name: import_module(name).__version__ for name in ("transformers",)}
    return {
        "rows": rows,
        "new": new,
        "versions": {**versions, "torch": str(torch.__version__)},
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return the rates of each shape, measured in a process of its own."""
    job = {"seconds": 0.2 if quick else SECONDS, "repeats": 1 if quick else REPEATS}
    shapes = {}
    for like in SHAPES:
        outcome = run_alone(__name__, "rates", {"like": like, **job})
        if outcome.failure:
            return {"failure": outcome.failure}
        shapes[like] = outcome.value
    return {"shapes": shapes}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a shape and batch size."""
    if "failure" in result:
        return [Table(f"Generation: {result['failure']}", ("<",), [])]
    rows = [
        (
            like,
            f"{row['batch']:,}",
            f"{row['ours']:,.0f}",
            f"{row['transformers']:,.0f}",
            f"{row['ours'] / row['transformers']:.1f}",
            f"{row['same']:,} of {row['batch']:,}",
        )
        for like, found in result["shapes"].items()
        for row in found["rows"]
    ]
    found = next(iter(result["shapes"].values()))
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    return [
        Table(
            f"Generation: {found['new']} new tokens after {PROMPT + 1}, 4 layers, "
            "d_model 64, one thread",
            ("<shape", "batch", "sequences/s", "transformers", "ratio", "same text"),
            rows,
            (f"Untrained weights, task {TASK}; {versions}.",),
        )
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the least ratio of the two, and whether they write the same."""
    what = "generation, x transformers"
    if "failure" in result:
        return [Target(what, ">= 1", result["failure"][:30], None)]
    rows = [row for found in result["shapes"].values() for row in found["rows"]]
    least = min(row["ours"] / row["transformers"] for row in rows)
    same, total = sum(r["same"] for r in rows), sum(r["batch"] for r in rows)
    return [
        Target(what, ">= 1", f"{least:.1f} at least", least >= 1),
        Target(
            "texts that transformers writes too",
            "all",
            f"{same:,} of {total:,}",
            same == total,
        ),
    ]
