"""A transformer as a model of Hugging Face transformers, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from compiler.interchange.extra import import_extra
from compiler.interchange.hugging_face import config_entries, fitting_family
from compiler.machine.transformer import Transformer


def to_transformers(
    transformer: Transformer,
    labels: Sequence[str],
    words: Sequence[str],
    language: bool,
) -> Any:
    """Return the transformer as a model of transformers, in evaluation mode.

    Args:
        transformer: its shape and its arrays.
        labels: what each logit stands for.
        words: the text of each token.
        language: whether the logits stand for the tokens.

    Raises:
        InputError: transformers has no such architecture, or is not installed.
    """
    config = transformer.config
    family = fitting_family(config, language)
    torch, library = (
        import_extra(name, "to_transformers") for name in ("torch", "transformers")
    )
    entries = config_entries(family, config, labels, words, language)
    names = "architectures", "model_type", "dtype", "id2label", "label2id"
    given = {key: value for key, value in entries.items() if key not in names}
    if not language:
        given["id2label"] = dict(enumerate(labels))
        given["label2id"] = {label: i for i, label in enumerate(labels)}
    made = library.AutoConfig.for_model(family.model_type, **given)
    model = getattr(library, family.architecture(language))(made)
    packed = family.pack(transformer.weights, config, language)
    state = {n: torch.tensor(np.asarray(a)) for n, a in packed.items()}
    missing, unknown = model.load_state_dict(state, strict=False)
    tied = {"lm_head.weight"} if config.tied else set()
    assert not unknown and set(missing) <= tied, (missing, unknown)
    model.tie_weights()
    return model.eval()
