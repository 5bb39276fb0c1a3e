"""A transformer as a folder that Hugging Face transformers loads, and back.

`compiler/families` says which architectures fit, and how their files are laid out. The
files are written with NumPy and safetensors; neither torch nor transformers is needed
for them. The configuration that the model has here stands in config.json as well, under
the key `circuitzoo`, so that nothing is lost on the way back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from compiler.errors import FormatError, InputError
from compiler.families import FAMILIES, family_of, nearest_family
from compiler.families.family import Family
from compiler.files import OURS, put_folder, room_to
from compiler.interchange.tokenizer import (
    ABOUT,
    EOS,
    FILE,
    about,
    tokenizer_json,
)
from compiler.machine.config import Config

if TYPE_CHECKING:
    from compiler.machine.transformer import Transformer

CONFIG, WEIGHTS = "config.json", "model.safetensors"
GENERATION = "generation_config.json"
TOKENIZER = (FILE, ABOUT, GENERATION)
"""The files of a tokenizer, and what a language model has beside. A folder has the
first two or neither."""

_GPT2 = {
    "n_layer": "n_layers",
    "n_head": "n_heads",
    "n_embd": "d_model",
    "n_inner": "d_mlp",
    "vocab_size": "d_vocab",
    "n_positions": "n_ctx",
    "activation_function": "act",
    "layer_norm_epsilon": "ln_eps",
    "bos_token_id": "bos_id",
    "pad_token_id": "pad_id",
}
"""Entries of folders from before the key `circuitzoo`: their name -> ours."""


def write_folder(
    transformer: Transformer,
    labels: Sequence[str],
    path: str | os.PathLike[str],
    words: Sequence[str] = (),
    language: bool = False,
) -> Path:
    """Write config.json, model.safetensors and the tokenizer, and return the folder.

    Args:
        transformer: its shape and its arrays, float32.
        labels: what each logit stands for.
        path: a folder that is new or empty.
        words: the text of each token; without a tokenizer if there is none.
        language: whether the logits stand for the tokens.

    Raises:
        InputError: transformers has no such architecture, everything that differs is
            named; or there is something at the path.
    """
    config = transformer.config
    family = fitting_family(config, language)
    folder = Path(os.path.abspath(path))
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} is there already. Give the name of a new folder.")
    entries = config_entries(family, config, labels, words, language)
    files = {
        WEIGHTS: weights_file(family, transformer, language),
        CONFIG: _json({**entries, OURS: config.to_json()}),
        **tokenizer_files(words, config, language),
    }
    with room_to(f"write to {folder}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        put_folder(folder, files)
    return folder


def fitting_family(config: Config, language: bool) -> Family:
    """Return the family of a transformer.

    Raises:
        InputError: it is of none; what differs from the nearest one is named.
    """
    family, problems = nearest_family(config, language)
    if problems:
        others = ", ".join(f.title for f in FAMILIES.values())
        raise InputError(
            f"to_hf: Hugging Face has no such architecture. The nearest of {others} is "
            f"{family.title}, and this model differs from it: {'; '.join(problems)}. "
            "Use to_transformer_lens, which takes all architectures."
        )
    return family


def config_entries(
    family: Family,
    config: Config,
    labels: Sequence[str],
    words: Sequence[str],
    language: bool,
) -> dict[str, Any]:
    """Return the entries of config.json that transformers reads.

    Args:
        family: of the transformer.
        config: its shape.
        labels: what each logit stands for.
        words: the text of each token.
        language: whether the logits stand for the tokens.
    """
    entries = {
        "architectures": [family.architecture(language)],
        "model_type": family.model_type,
        "dtype": "float32",
        **family.entries(config),
        "bos_token_id": config.bos_id,
        "pad_token_id": config.pad_id,
        "eos_token_id": _end(words),
        "tie_word_embeddings": config.tied,
        "use_cache": language,
    }
    if not language:
        entries["id2label"] = {str(i): label for i, label in enumerate(labels)}
        entries["label2id"] = {label: i for i, label in enumerate(labels)}
    return entries


def weights_file(family: Family, transformer: Transformer, language: bool) -> bytes:
    """Return model.safetensors in the layout of a family."""
    config, weights = transformer.config, transformer.weights
    return save(family.pack(weights, config, language), {"format": "pt"})


def tokenizer_files(
    words: Sequence[str], config: Config, language: bool
) -> dict[str, bytes]:
    """Return the files of a tokenizer by name; none where text cannot stand for it.

    Args:
        words: the text of each token.
        config: the transformer's shape.
        language: whether the logits stand for the tokens.
    """
    entries = tokenizer_json(words, config) if words else None
    if entries is None:
        return {}
    files = {FILE: entries, ABOUT: about(config, words)}
    files |= {GENERATION: _generation(words, config)} if language else {}
    return {
        name: (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()
        for name, data in files.items()
    }


def _generation(words: Sequence[str], config: Config) -> dict[str, Any]:
    """Return how transformers is to generate, unless it is told otherwise.

    A vocabulary without EOS is that of a task whose answer is one token. Without this
    bound, `pipeline` would generate 256 tokens, more than there are positions.
    """
    return {
        "bos_token_id": config.bos_id,
        "pad_token_id": config.pad_id,
        "eos_token_id": _end(words),
        "do_sample": False,
        **({} if EOS in words else {"max_new_tokens": 1}),
    }


def _end(words: Sequence[str]) -> int | None:
    """Return the id of EOS, None if there is none."""
    return list(words).index(EOS) if EOS in words else None


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()


def read_folder(path: str | os.PathLike[str]) -> Transformer:
    """Return the transformer that `write_folder` wrote.

    Raises:
        FormatError: there is none, or it is not one of ours.
    """
    folder = Path(path)
    try:
        entries = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load((folder / WEIGHTS).read_bytes())
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise FormatError(f"{folder}: no model of Hugging Face's: {error}") from None
    if not isinstance(entries, dict):
        raise FormatError(f"{folder / CONFIG}: no object of JSON")
    config = _config(entries, folder / CONFIG)
    names = entries.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    language = isinstance(name, str) and not name.endswith("ForTokenClassification")
    family = family_of(config, language)
    if family is None or name != family.architecture(language):
        raise FormatError(
            f"{folder / CONFIG}: its architecture is {name!r}, which does not fit its "
            "sizes. Export the model again with to_hf."
        )
    for key, value in family.entries(config).items():
        if OURS in entries and entries.get(key) != value:
            raise FormatError(
                f"{folder / CONFIG}: {key} is {entries.get(key)!r}, and {value!r} by "
                f"the key {OURS!r}. One of them was altered; export the model again."
            )
    expected = family.shapes(config, language)
    if (found := {name: array.shape for name, array in tensors.items()}) != expected:
        wrong = sorted(dict(found.items() ^ expected.items()))
        raise FormatError(
            f"{folder / WEIGHTS}: {', '.join(wrong[:8])} missing, unknown or of "
            f"another shape than {CONFIG} says."
        )
    from compiler.machine.transformer import Transformer  # it imports jax

    return Transformer(config, family.unpack(tensors, config, language))


def _config(entries: Mapping[str, Any], where: Path) -> Config:
    """Return the configuration that config.json holds."""
    ours = entries.get(OURS)
    if isinstance(ours, dict):
        try:
            return Config.from_json(ours)
        except (InputError, FormatError, TypeError) as error:
            raise FormatError(f"{where}, {OURS}: {error}") from None
    missing = [key for key in (*_GPT2, "id2label", "model_type") if key not in entries]
    if missing or entries["model_type"] != "gpt2":
        raise FormatError(
            f"{where}: model_type {entries.get('model_type')!r}, and no "
            f"{missing or OURS}; expected the key {OURS!r}, or 'gpt2' with all entries "
            "that to_hf writes."
        )
    return Config(
        **{ours: entries[theirs] for theirs, ours in _GPT2.items()},
        d_head=entries["n_embd"] // entries["n_head"],
        d_vocab_out=len(entries["id2label"]),
        norm="pre",
        causal=True,
    )
