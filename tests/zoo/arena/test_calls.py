"""Calls are read with suspicion: what is not of their types is refused in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compiler.errors import ZooError
from compiler.notation import LocatedJson
from zoo.arena.calls import (
    CALLS,
    MOST_BYTES,
    MOST_INPUTS,
    PatchCall,
    call_schema,
    read_call,
    read_line,
    wording,
)

HOSTILE: list[tuple[str, Any]] = [
    ("run", {}),
    ("run", {"inputs": []}),
    ("run", {"inputs": "abc"}),
    ("run", {"inputs": [["a"]] * (MOST_INPUTS + 1)}),
    ("run", {"inputs": [["a"]], "path": "/etc/passwd"}),
    ("run", {"inputs": [{"a": 1}]}),
    ("info", {"seed": True}),
    ("logits", {"inputs": [[[]]], "inputs ": 1}),
    ("cache", {"inputs": [["a"]], "sources": "m0"}),
    ("cache", {"inputs": [["a"]] * 65}),
    ("patch", {"base": ["a"], "patches": []}),
    ("patch", {"base": ["a"], "patches": [["m0"]]}),
    ("patch", {"base": ["a"], "patches": [["m0"]], "donor": ["a"], "vectors": {}}),
    ("patch", {"base": ["a"], "patches": [["m0"]], "donor": ["a"], "shift": -1}),
    ("patch", {"base": ["a"], "patches": [["m0"]], "donor": ["a"], "strength": 1e9}),
    ("patch", {"base": ["a"], "patches": [[1]], "donor": ["a"]}),
    ("ablate", {"base": ["a"], "patches": [["m0"]], "value": "eval"}),
    ("submit", {"program": 5}),
    ("submit", {"program": "x" * 20_001}),
    ("submit", {"edges": {"m0->logits": "1"}}),
    ("submit", {"descriptions": {"m0": {}}}),
    ("submit", {"descriptions": {"m0": {"rasp": "tokens;", "tokens": []}}}),
    ("submit", {"descriptions": {"m0": {"python": "print()"}}}),
    ("__init__", {}),
    ("", {}),
]


@pytest.mark.parametrize(("name", "arguments"), HOSTILE)
def test_what_is_not_of_its_types_is_refused(name: str, arguments: Any) -> None:
    with pytest.raises(ZooError) as refused:
        read_call(name, LocatedJson(name, arguments))
    assert "Save the model" not in wording(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"call": NaN}',
        b'{"call": "run", "call": "info"}',
        b"[" * 5_000,
        b'{"call": "run", "inputs": [' + b'["a"],' * 40_000 + b"[]]}",
        b" " * (MOST_BYTES + 1),
    ],
    ids=range(8),
)
def test_lines_that_are_no_json_within_bounds_are_refused(line: bytes) -> None:
    with pytest.raises(ZooError):
        read_line(line)


def test_a_call_is_read_in_its_type_and_priced_by_its_runs() -> None:
    said = {"base": ["a", "b"], "patches": [["m0"], ["a0.h0->m0"]], "donor": ["c"]}
    call = read_call("patch", read_line(json.dumps(said).encode()))
    assert call == PatchCall(("a", "b"), (("m0",), ("a0.h0->m0",)), ("c",))
    assert call.price == 3


def test_every_call_has_a_schema_of_its_arguments() -> None:
    for name in CALLS:
        schema = call_schema(name)
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
