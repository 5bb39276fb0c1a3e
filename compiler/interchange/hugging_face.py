"""A transformer as a folder that Hugging Face transformers loads, and back.

What fits is a GPT-2 with a token-classification head: causal, LayerNorm in front of
every reader, learned positions, heads that fill d_model. The files are written with
NumPy and safetensors; neither torch nor transformers is needed for them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from compiler.errors import FormatError, InputError
from compiler.files import put_folder, room_to
from compiler.interchange.tokenizer import ABOUT, FILE, about, tokenizer_json
from compiler.machine.config import Config
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights, expected_shapes

CONFIG, WEIGHTS = "config.json", "model.safetensors"
SIZES = {
    "n_layer": "n_layers",
    "n_head": "n_heads",
    "n_embd": "d_model",
    "n_inner": "d_mlp",
    "vocab_size": "d_vocab",
    "n_positions": "n_ctx",
    "activation_function": "act",  # "gelu" is the exact one there, as here
    "layer_norm_epsilon": "ln_eps",
    "bos_token_id": "bos_id",
    "pad_token_id": "pad_id",
}
"""Their name of an entry -> ours, where both mean the same."""

# Ours -> theirs, for arrays that are the same, and for those to be transposed.
ONCE = {
    "W_E": "transformer.wte.weight",
    "W_pos": "transformer.wpe.weight",
    "lnf_w": "transformer.ln_f.weight",
    "lnf_b": "transformer.ln_f.bias",
    "b_U": "classifier.bias",
}
A_LAYER = {
    "ln1_w": "ln_1.weight",
    "ln1_b": "ln_1.bias",
    "b_O": "attn.c_proj.bias",
    "ln2_w": "ln_2.weight",
    "ln2_b": "ln_2.bias",
    "W_in": "mlp.c_fc.weight",
    "b_in": "mlp.c_fc.bias",
    "W_out": "mlp.c_proj.weight",
    "b_out": "mlp.c_proj.bias",
}
UNEMBED = "classifier.weight"
QKV, OUT = "attn.c_attn", "attn.c_proj.weight"


def write_folder(
    transformer: Transformer,
    labels: Sequence[str],
    path: str | os.PathLike[str],
    words: Sequence[str] = (),
) -> Path:
    """Write config.json, model.safetensors and the tokenizer, and return the folder.

    Args:
        transformer: its shape and its arrays, float32.
        labels: what each logit stands for.
        path: a folder that is new or empty.
        words: the text of each token; without a tokenizer if there is none.

    Raises:
        InputError: the architecture is not GPT-2's, everything that differs is
            named; or there is something at the path.
    """
    config, weights = transformer.config, transformer.weights
    check_fits(config)
    folder = Path(os.path.abspath(path))
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} is there already. Give the name of a new folder.")
    tensors = {name: np.ascontiguousarray(a) for name, a in _tensors(weights).items()}
    text = json.dumps(_entries(config, labels), indent=2, sort_keys=True) + "\n"
    files = {WEIGHTS: save(tensors, {"format": "pt"}), CONFIG: text.encode()}
    entries = tokenizer_json(words, config) if words else None
    if entries is not None:
        for name, data in ((FILE, entries), (ABOUT, about(config))):
            files[name] = (
                json.dumps(data, indent=2, ensure_ascii=False) + "\n"
            ).encode()
    with room_to(f"write to {folder}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        put_folder(folder, files)
    return folder


def check_fits(config: Config) -> None:
    """Raise InputError, naming all that GPT-2 has not, unless it is one."""
    wide = config.n_heads * config.d_head
    found = {
        "attention in both directions, GPT-2's is causal": not config.causal,
        "no LayerNorm, GPT-2 has one in front of every reader": config.norm != "pre",
        "rotary positions, GPT-2's are learned": config.positions != "learned",
        f"{config.n_heads} heads of {config.d_head}, which make {wide} and not the "
        f"{config.d_model} of d_model as in GPT-2": wide != config.d_model,
    }
    if problems := [text for text, wrong in found.items() if wrong]:
        raise InputError(
            f"to_hf: Hugging Face has no such architecture: {'; '.join(problems)}. "
            "Use to_transformer_lens, which takes all of them."
        )


def read_folder(path: str | os.PathLike[str]) -> Transformer:
    """Return the transformer that `write_folder` wrote.

    Raises:
        FormatError: there are none, or they are no GPT-2 of ours.
    """
    folder = Path(path)
    try:
        entries = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load((folder / WEIGHTS).read_bytes())
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise FormatError(f"{folder}: no model of Hugging Face's: {error}") from None
    if not isinstance(entries, dict):
        raise FormatError(f"{folder / CONFIG}: no object of JSON")
    missing = [k for k in (*SIZES, "id2label", "model_type") if k not in entries]
    if missing or entries["model_type"] != "gpt2":
        raise FormatError(
            f"{folder / CONFIG}: model_type {entries.get('model_type')!r}, and no "
            f"{missing}; expected 'gpt2' with all entries that to_hf writes."
        )
    config = Config(
        **{ours: entries[theirs] for theirs, ours in SIZES.items()},
        d_head=entries["n_embd"] // entries["n_head"],
        d_vocab_out=len(entries["id2label"]),
        norm="pre",
        causal=True,
    )
    return Transformer(config, _weights(tensors, config, str(folder / WEIGHTS)))


def _entries(config: Config, labels: Sequence[str]) -> dict[str, Any]:
    """Return the entries of config.json."""
    return {
        "architectures": ["GPT2ForTokenClassification"],
        "model_type": "gpt2",
        "dtype": "float32",
        **{theirs: getattr(config, ours) for theirs, ours in SIZES.items()},
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
        "classifier_dropout": 0.0,
        "eos_token_id": None,
        "use_cache": False,
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def _tensors(weights: Weights) -> dict[str, np.ndarray]:
    """Return the arrays under GPT-2's names and in its shapes."""
    arrays = {name: np.asarray(array) for name, array in weights._asdict().items()}
    tensors = {theirs: arrays[ours] for ours, theirs in ONCE.items()}
    tensors[UNEMBED] = arrays["W_U"].T
    n_layers, n_heads, d_model, d_head = arrays["W_Q"].shape
    for layer in range(n_layers):
        at = f"transformer.h.{layer}."
        tensors |= {at + name: arrays[ours][layer] for ours, name in A_LAYER.items()}
        # [head, d_model, d_head] -> [d_model, head * d_head], side by side
        joined = [
            arrays[f"W_{x}"][layer].swapaxes(0, 1).reshape(d_model, -1) for x in "QKV"
        ]
        tensors[f"{at}{QKV}.weight"] = np.concatenate(joined, axis=1)
        biases = [arrays[f"b_{x}"][layer].ravel() for x in "QKV"]
        tensors[f"{at}{QKV}.bias"] = np.concatenate(biases)
        tensors[at + OUT] = arrays["W_O"][layer].reshape(n_heads * d_head, d_model)
    return tensors


def _weights(tensors: Mapping[str, np.ndarray], config: Config, file: str) -> Weights:
    """Return the weights that `_tensors` took apart."""
    shapes = expected_shapes(config)
    zeros = Weights(*(np.zeros(shape, np.float32) for shape in shapes.values()))
    expected = {name: array.shape for name, array in _tensors(zeros).items()}
    if (found := {name: array.shape for name, array in tensors.items()}) != expected:
        wrong = sorted(dict(found.items() ^ expected.items()))
        raise FormatError(
            f"{file}: {', '.join(wrong[:8])} missing, unknown or of another shape than "
            f"{CONFIG} says."
        )
    arrays = {ours: tensors[theirs] for ours, theirs in ONCE.items()}
    arrays["W_U"] = tensors[UNEMBED].T

    def layers(name: str) -> np.ndarray:
        every = range(config.n_layers)
        return np.stack([tensors[f"transformer.h.{layer}.{name}"] for layer in every])

    arrays |= {ours: layers(theirs) for ours, theirs in A_LAYER.items()}
    arrays["W_O"] = layers(OUT).reshape(shapes["W_O"])
    per_head = config.n_layers, config.d_model, config.n_heads, config.d_head
    for place, letter in enumerate("QKV"):
        matrix = np.split(layers(f"{QKV}.weight"), 3, axis=2)[place]
        arrays[f"W_{letter}"] = matrix.reshape(per_head).swapaxes(1, 2)
        bias = np.split(layers(f"{QKV}.bias"), 3, axis=1)[place]
        arrays[f"b_{letter}"] = bias.reshape(shapes["b_Q"])
    return Weights(**{n: np.ascontiguousarray(arrays[n]) for n in Weights._fields})
