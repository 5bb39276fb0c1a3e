"""The digest that says which model a method was run on, and what it ran with."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version

from compiler.model import Model
from compiler.save import to_files
from compiler.sealed import WEIGHTS, digest, digest_of_sums
from zoo.release.released import Released

PACKAGES = ("circuitzoo", "jax", "jaxlib", "numpy")


def digest_of_model(model: Model) -> str:
    """Return the SHA-256 digest of a model.

    Of a release it is that of its list of digests, so that another version, or another
    certificate, is another model; of any other model that of its weights.
    """
    if isinstance(model, Released):
        return digest_of_sums(model.folder.path)
    return digest(to_files(model)[WEIGHTS])


def environment() -> Mapping[str, str]:
    """Return the versions of Python and of packages, and the kind of machine."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in PACKAGES},
    }
