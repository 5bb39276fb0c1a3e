"""The architectures of Hugging Face transformers that a model here can have.

    family.py    what a family is: options, entries of config.json, tensors
    tensors.py   one tensor of a file: which of our arrays it holds, and how
    gpt2.py      GPT-2
    llama.py     Llama and Qwen2
    encoder.py   an encoder: attention in both directions, the norm in front

A family is data. `zoo train --like` takes the options of a recipe from it, and a saved
model of a family is a folder that transformers loads as one of its own. To add an
architecture, write one file here and name it below.
"""

from __future__ import annotations

from compiler.errors import unknown_name
from compiler.families.encoder import ENCODER
from compiler.families.family import Family
from compiler.families.gpt2 import GPT2
from compiler.families.llama import LLAMA, QWEN2
from compiler.machine.config import Config

FAMILIES = {family.name: family for family in (GPT2, LLAMA, QWEN2, ENCODER)}


def find_family(name: str) -> Family:
    """Return the family of a name: `gpt2`, `llama`, `qwen2` or `bert`.

    Raises:
        NameLookupError: there is no such family; the known ones are listed.
    """
    if name not in FAMILIES:
        raise unknown_name("architecture", name, tuple(FAMILIES))
    return FAMILIES[name]


def family_of(config: Config, language: bool) -> Family | None:
    """Return the family that a transformer is of, None if it is of none.

    Args:
        config: the transformer's shape.
        language: whether its logits stand for its tokens.
    """
    fitting = (f for f in FAMILIES.values() if not f.problems(config, language))
    return next(fitting, None)


def nearest_family(config: Config, language: bool) -> tuple[Family, list[str]]:
    """Return the family from which a transformer differs least, and in what it does.

    Args:
        config: the transformer's shape.
        language: whether its logits stand for its tokens.
    """
    found = [(f, f.problems(config, language)) for f in FAMILIES.values()]
    return min(found, key=lambda each: len(each[1]))
