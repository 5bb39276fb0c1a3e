"""One hidden model for all tests of the arena: what runs it is compiled once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from zoo.arena.models import HiddenModel, make_hidden
from zoo.arena.session import ArenaSession

SEED = 7
Asks = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def hidden() -> HiddenModel:
    return make_hidden("compiled", SEED, layers=1)


@pytest.fixture
def session(hidden: HiddenModel) -> ArenaSession:
    return ArenaSession(hidden, 50)


@pytest.fixture
def ask(session: ArenaSession) -> Asks:
    """A function that sends a call of the session as text, and returns its answer."""

    def send(call: Any, **arguments: Any) -> dict[str, Any]:
        request = {"call": call, **arguments}
        return session.answer_line(json.dumps(request).encode())

    return send
