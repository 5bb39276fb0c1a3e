"""A release is opened once for all evaluations: its pairs take seconds to read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from zoo.scoring import evaluate, suites


@pytest.fixture(autouse=True, scope="session")
def opened_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "open_model", cache(suites.open_model))
        yield
