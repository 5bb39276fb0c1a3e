"""docs/schema says what the types say, and every release is as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.zoo.release.test_published import SOME
from zoo.release.documents import schema_files, schemas
from zoo.release.fields import INDEX

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(p.parent for p in (ROOT / "releases").glob("*/release.json"))
KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def problems(schema: dict[str, Any], data: Any, where: str = "") -> list[str]:
    """Return where some JSON is not as a schema says, by the words we use of it."""
    known = {
        "$schema", "title", "description", "type", "properties", "required", "const",
        "additionalProperties", "items", "anyOf", "enum", "minimum", "maximum",
        "pattern", "maxLength", "maxItems", "maxProperties", "propertyNames",
    }  # fmt: skip
    assert set(schema) <= known
    found = []
    if "const" in schema and data != schema["const"]:
        found.append(f"{where}: {data!r}")
    if "enum" in schema and data not in schema["enum"]:
        found.append(f"{where}: {data!r}")
    if "anyOf" in schema and all(problems(s, data) for s in schema["anyOf"]):
        found.append(f"{where}: none of several")
    if "type" in schema:
        kind = schema["type"]
        if not isinstance(data, KINDS[kind]) or (
            isinstance(data, bool) and kind != "boolean"
        ):
            return [*found, f"{where}: no {kind}"]
    for word in ("maxLength", "maxItems", "maxProperties"):
        if word in schema and len(data) > schema[word]:  # type: ignore[arg-type]
            found.append(f"{where}: more than {schema[word]}")
    if isinstance(data, dict):
        for key in data:
            found += problems(schema.get("propertyNames", {}), key, where)
        entries = schema.get("properties", {})
        found += [
            f"{where}: no {n}" for n in schema.get("required", ()) if n not in data
        ]
        for key, value in data.items():
            more = entries.get(key, schema.get("additionalProperties", {}))
            if more is False:
                found.append(f"{where}: unknown {key}")
            else:
                found += problems(more, value, f"{where}/{key}")
    if isinstance(data, list):
        for number, item in enumerate(data):
            found += problems(schema.get("items", {}), item, f"{where}/{number}")
    if isinstance(data, str) and not re.search(schema.get("pattern", ""), data):
        found.append(f"{where}: {data!r}")
    if isinstance(data, int | float) and not isinstance(data, bool):
        low, high = schema.get("minimum", data), schema.get("maximum", data)
        if not low <= data <= high:
            found.append(f"{where}: {data!r}")
    return found


def test_the_schemas_are_up_to_date():
    there = {p.name: p.read_bytes() for p in (ROOT / "docs" / "schema").iterdir()}
    assert there == schema_files(), "see zoo/release/documents.py"


@pytest.mark.parametrize("folder", SOME, ids=lambda folder: folder.name)
def test_a_release_of_every_kind_is_as_the_schemas_say(folder):
    for file, schema in schemas().items():
        if file != INDEX:
            data = json.loads((folder / file).read_text())
            # A model of an architecture: the rest is what transformers reads.
            data = data.get("circuitzoo", data)
            assert problems(schema, data) == []


def test_the_index_is_as_its_schema_says():
    data = json.loads((ROOT / "releases" / INDEX).read_text())
    assert problems(schemas()[INDEX], data) == []


def test_what_is_not_as_a_schema_says_is_found():
    schema, path = schemas()["release.json"], FOLDERS[0] / "release.json"
    data = json.loads(path.read_text())
    for edit in ({"name": "../x"}, {"version": 0}, {"kind": "x"}, {"layers": True}):
        assert problems(schema, {**data, **edit})
    assert problems(schema, {k: v for k, v in data.items() if k != "claims"})
    assert problems(schema, {**data, "more": 1})
