"""A model as torch modules, one `nn.Linear` a matrix, and as a folder of tensors.

Tools that decompose parameters (SPD and its successors) take a torch module and choose
its Linear layers by name. `m.a0_h1_W_Q` is the one of the matrix `a0.h1.W_Q`; its
weight is [column, row], as torch keeps it. The folder has the state dict, the parts of
a compiled model, and inputs with logits.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from compiler.dimensions import SitedModel
from compiler.errors import InputError
from compiler.files import put_folder, room_to
from compiler.interchange.extra import import_extra
from compiler.machine.config import Config
from compiler.parts import WeightPart, matrix_of, matrix_places


def module_name(matrix: str) -> str:
    """Return what the Linear layer of a matrix is called."""
    return f"m.{matrix.replace('.', '_')}"


def check_plain(model: SitedModel, wanted_by: str) -> None:
    """Raise InputError for a model with norms, gates or rotary positions."""
    config = model.config
    if config.norm != "none" or config.gated or config.positions != "learned":
        raise InputError(
            f"{wanted_by}: {model.name} has norms, gates or rotary positions, which "
            "are not written. Give a model that was compiled without them"
        )


def linear_tensors(model: SitedModel) -> dict[str, np.ndarray]:
    """Return the state dict of `to_linear_modules`, as NumPy arrays."""
    weights = model.weights
    found = {
        f"{module_name(name)}.weight": matrix_of(model, name).T
        for name in matrix_places(model.config)
    }
    kept = ("W_E", "W_pos", "b_Q", "b_K", "b_V", "b_O", "b_in", "b_out", "b_U")
    found |= {name: np.asarray(getattr(weights, name)) for name in kept}
    return {k: np.array(a, np.float32, order="C") for k, a in found.items()}


def to_linear_modules(model: SitedModel) -> Any:
    """Return a torch module with one Linear layer a matrix, and the same logits.

    Raises:
        InputError: the model has norms, gates or rotary positions; or torch is not
            installed.
    """
    check_plain(model, "to_linear_modules")
    torch = import_extra("torch", "to_linear_modules")
    tensors = linear_tensors(model)
    made = _module(torch, model.config, tensors)
    made.load_state_dict({k: torch.from_numpy(a) for k, a in tensors.items()})
    return made


def _module(torch: Any, config: Config, tensors: dict[str, np.ndarray]) -> Any:
    gelu = torch.nn.functional.gelu
    activate = {
        "relu": torch.relu,
        "silu": torch.nn.functional.silu,
        "gelu": gelu,
        "gelu_new": partial(gelu, approximate="tanh"),
    }[config.act]

    class LinearTransformer(torch.nn.Module):
        """The transformer: `forward(ids)` are the logits."""

        def __init__(self) -> None:
            super().__init__()
            self.m = torch.nn.Module()
            for name, array in tensors.items():
                blank = torch.zeros(array.shape)
                if name.startswith("m."):
                    layer = torch.nn.Linear(*array.shape[::-1], bias=False)
                    setattr(self.m, name.split(".")[1], layer)
                else:
                    self.register_parameter(name, torch.nn.Parameter(blank))

        def forward(self, ids: Any) -> Any:
            x = self.W_E[ids] + self.W_pos[: ids.shape[1]]
            allowed = _allowed(torch, config, ids)
            for n in range(config.n_layers):
                heads = [self._head(n, h, x, allowed) for h in range(config.n_heads)]
                x = x + sum(heads) + self.b_O[n]
                hidden = activate(getattr(self.m, f"m{n}_W_in")(x) + self.b_in[n])
                x = x + getattr(self.m, f"m{n}_W_out")(hidden) + self.b_out[n]
            return self.m.W_U(x) + self.b_U

        def _head(self, n: int, h: int, x: Any, allowed: Any) -> Any:
            q, k, v = (
                getattr(self.m, f"a{n}_h{h}_W_{s}")(x) + getattr(self, f"b_{s}")[n, h]
                for s in "QKV"
            )
            scores = q @ k.transpose(1, 2) / config.d_head**0.5
            pattern = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
            return getattr(self.m, f"a{n}_h{h}_W_O")(pattern @ v)

    return LinearTransformer()


def _allowed(torch: Any, config: Config, ids: Any) -> Any:
    """Return [batch, seq, key] who may attend to whom, as `machine.layers.allow`."""
    size = ids.shape[1]
    allowed = torch.ones(1, size, size, dtype=torch.bool)
    if config.causal:
        allowed = allowed.tril()
    if config.pad_id is not None:
        allowed = allowed & (ids != config.pad_id)[:, None, :]
    return allowed | torch.eye(size, dtype=torch.bool)


def write_spd_folder(
    model: SitedModel,
    parts: Sequence[WeightPart],
    ids: Int[np.ndarray, "input ctx"],
    logits: Float[np.ndarray, "input ctx class"],
    path: str | os.PathLike[str],
) -> Path:
    """Write a folder for tools that decompose parameters, and return it.

    Args:
        model: a compiled model.
        parts: its parts.
        ids: some inputs.
        logits: its logits on them.
        path: of a new or empty folder.

    `model.safetensors` is the state dict of `to_linear_modules`; `inputs.safetensors`
    has `ids` and `logits`; `parts.safetensors` has u and v of the true parts of each
    matrix, and `parts.json` says what each is.

    Raises:
        InputError: the model was trained, has norms, gates or rotary positions, or
            there is something at the path.
    """
    from safetensors.numpy import save

    check_plain(model, "to_spd")
    folder = Path(os.path.abspath(path))
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} is there already. Give the name of a new folder.")
    arrays: dict[str, np.ndarray] = {}
    told: dict[str, Any] = {}
    for name in dict.fromkeys(part.matrix for part in parts):
        own = [part for part in parts if part.matrix == name]
        arrays[f"{name}.u"] = np.stack([p.left for p in own]).astype(np.float32)
        arrays[f"{name}.v"] = np.stack([p.right for p in own]).astype(np.float32)
        told[name] = {
            "module": module_name(name),
            "parts": [{"reads": p.reads, "serves": list(p.serves)} for p in own],
        }
    document = {"model": model.name, "config": model.config.to_json(), "matrices": told}
    own = {"ids": ids.astype(np.int64), "logits": np.array(logits, np.float32)}
    files = {
        "model.safetensors": save(linear_tensors(model)),
        "inputs.safetensors": save(own),
        "parts.safetensors": save(arrays),
        "parts.json": (json.dumps(document, indent=1) + "\n").encode(),
    }
    with room_to(f"write to {folder}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        put_folder(folder, files)
    return folder
