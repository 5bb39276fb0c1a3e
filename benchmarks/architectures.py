"""Architectures: the cost of a forward pass, logits beside transformers, methods.

The forward pass of each architecture is timed beside that of a plain transformer of the
same sizes, in turns on one thread, as a ratio. Logits of random models are compared
with those of Hugging Face transformers' own classes. Methods are run on the released
models of an architecture, on one draw of 256 pairs, and scored on other pairs.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.certified import LEVEL, METHODS
from benchmarks.report import Table, Target

CELLS = Path("out/architectures")
BATCH = 256
CLOSE = 1e-5


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of every architecture, and of every released model of one."""
    from compiler.families import FAMILIES
    from zoo.scoring.suites import models_of

    models = models_of("shaped")
    return {
        "forward": _forward(16 if quick else BATCH),
        "logits": {name: _distance(name) for name in FAMILIES},
        "methods": _methods(models[:1] if quick else models),
    }


def _config(name: str | None) -> Any:
    """Return the shape of a model of an architecture, or of a plain one."""
    from benchmarks.machine import SHAPE
    from compiler.families import find_family
    from compiler.machine.config import Config

    plain = Config(**SHAPE, pad_id=0, bos_id=1, act="gelu")
    if name is None:
        return plain
    family = find_family(name)
    return replace(plain, **family.options, causal=family.causal)


def _forward(batch: int) -> dict[str, float]:
    """Return the time of a forward pass over that of a plain transformer."""
    import jax.numpy as jnp

    from benchmarks.machine import measure as time_all
    from compiler.families import FAMILIES
    from compiler.machine.forward import logits_batch
    from compiler.machine.transformer import Transformer
    from compiler.machine.weights import init

    rng = np.random.default_rng(0)
    runs = {}
    for name in (None, *FAMILIES):
        config = _config(name)
        transformer = Transformer(config, init(config, 0)).in_jax()
        tokens = jnp.asarray(rng.integers(1, config.d_vocab, (batch, config.n_ctx)))
        runs[name or "plain"] = lambda t=transformer, x=tokens: logits_batch(t, x)
    times = time_all(runs)
    return {n: round(times[n] / times["plain"], 3) for n in runs}


def _distance(name: str) -> float | None:
    """Return the greatest difference of logits over the largest; None without torch."""
    try:
        import torch  # type: ignore[import-not-found]
        import transformers  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        return None
    from compiler.interchange.hugging_face import write_folder
    from compiler.machine.forward import logits_batch
    from compiler.machine.transformer import Transformer
    from compiler.machine.weights import Weights, expand, init, reduced

    config, rng = _config(name), np.random.default_rng(0)
    begun = reduced(init(config, 0), config)
    drawn = (a + 0.3 * rng.standard_normal(a.shape) for a in begun)
    weights = Weights(*(np.asarray(array, np.float32) for array in drawn))
    transformer = Transformer(config, expand(weights, config))
    ids = rng.integers(2, config.d_vocab, (64, config.n_ctx))
    expected = np.asarray(logits_batch(transformer, ids))
    with tempfile.TemporaryDirectory() as folder:
        labels = [str(i) for i in range(config.d_vocab_out)]
        path = write_folder(transformer, labels, Path(folder) / "model")
        loaded = transformers.AutoModelForTokenClassification.from_pretrained(path)
        with torch.no_grad():
            found = loaded(torch.tensor(ids)).logits.numpy()
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _methods(models: list[str]) -> dict[str, Any]:
    """Return the figures of each method on each model."""
    from zoo.scoring.evaluate import evaluate

    if not models:
        return {}
    table = evaluate(list(METHODS), models, 1, out=CELLS)
    found: dict[str, Any] = {model: {} for model in models}
    for cell in table.cells:
        if cell.status == "ok":
            figures = cell.figures[LEVEL]
            found[cell.model][cell.method] = {
                name: figures[name] for name in ("average_precision", "auroc")
            }
    return found


def tables(result: dict[str, Any]) -> list[Table]:
    """Return a row an architecture, and a row a method."""
    rows = [
        [
            name,
            f"{result['forward'][name]:.2f}",
            "-" if distance is None else f"{distance:.1e}",
        ]
        for name, distance in result["logits"].items()
    ]
    note = (
        "forward: time over that of a plain transformer of the same sizes (GELU, no "
        "norm, learned positions, 4 layers of 4 heads, d_model 64). logits: the "
        "greatest difference from those of transformers' own class, over the largest."
    )
    costs = Table("Architectures", ["<architecture", "forward", "logits"], rows, [note])
    models = result["methods"]
    lines = [
        [
            method,
            *(
                _figure(models[model].get(method, {}).get("average_precision"))
                for model in models
            ),
        ]
        for method in METHODS
    ]
    title = "AP of methods on released models of an architecture"
    return [costs, Table(title, ["<method", *models], lines, [])]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether logits are those of transformers."""
    known = [d for d in result["logits"].values() if d is not None]
    worst = max(known, default=None)
    return [
        Target(
            "logits of a model of an architecture beside transformers' own class",
            f"at most {CLOSE:.0e} of the largest",
            "not measured, no torch" if worst is None else f"{worst:.1e}",
            None if worst is None else worst <= CLOSE,
        )
    ]
