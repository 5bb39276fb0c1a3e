"""One released model as a case, with few pairs, for all tests of scoring."""

from __future__ import annotations

import pytest

from zoo.scoring.case import Case, open_case


@pytest.fixture(scope="session")
def case() -> Case:
    return open_case("fraction-previous-siit", pairs=16)
