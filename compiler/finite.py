"""Numbers of users, checked to be finite before anything is computed with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.errors import InputError, count


def check_finite(array: Any, what: str, remedy: str) -> None:
    """Raise InputError unless all entries of an array are finite.

    Args:
        array: numbers of any shape.
        what: what they are, as the error calls them.
        remedy: the last sentence of the error, without its full stop.
    """
    if bad := int((~np.isfinite(array)).sum()):
        verb = "is" if bad == 1 else "are"
        raise InputError(
            f"{what}: found {count(bad, 'number')} that {verb} NaN or infinite, "
            f"expected finite ones. {remedy}"
        )
