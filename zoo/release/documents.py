"""The JSON documents of a release, and the JSON Schemas made of their types.

`docs/schema` holds the schemas; a test compares. To write them anew:

    python -c "from zoo.release.documents import write_schemas as w; w('docs/schema')"
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compiler import save
from compiler.machine.config import CHOICES, LATER, SIZES, Config
from zoo.auditing.certificate import TIED, UNTIED, Certificate, Claim
from zoo.auditing.certificate import VERSION as CERTIFICATE_VERSION
from zoo.release.fields import (
    CERTIFICATE,
    CIRCUIT_DOCUMENT,
    INDEX_DOCUMENT,
    RELEASE_DOCUMENT,
)
from zoo.release.schema import Document

CERTIFICATE_DOCUMENT = Document(
    CERTIFICATE,
    "Every figure of an audit, with intervals and witnesses.",
    Certificate,
    "circuitzoo.certificate",
    (UNTIED, TIED, CERTIFICATE_VERSION),
    derived={Claim: ("holds",)},
)
CONFIG_DOCUMENT = Document(
    save.CONFIG,
    "A transformer's shape and options. In a model of an architecture of Hugging Face "
    "transformers this stands under the key `circuitzoo`.",
    Config,
    save.FORMAT,
    tuple(range(save.FIRST, save.VERSION + 1)),
)
DOCUMENTS = (
    RELEASE_DOCUMENT,
    CIRCUIT_DOCUMENT,
    CERTIFICATE_DOCUMENT,
    CONFIG_DOCUMENT,
    INDEX_DOCUMENT,
)


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every document, by the file's name."""
    found = {document.file: document.schema() for document in DOCUMENTS}
    entries = found[save.CONFIG]["properties"]
    # Files have these only where they are not the default.
    required = found[save.CONFIG]["required"]
    found[save.CONFIG]["required"] = [name for name in required if name not in LATER]
    for name in SIZES:
        entries[name]["minimum"] = 1
    for name, options in CHOICES.items():
        entries[name] = {"enum": list(options)}
    return found


def schema_files() -> dict[str, bytes]:
    """Return the files of docs/schema, by name."""
    return {
        file.replace(".json", ".schema.json"): (
            json.dumps(schema, indent=1) + "\n"
        ).encode("ascii")
        for file, schema in schemas().items()
    }


def write_schemas(folder: str | Path) -> None:
    """Write the files of docs/schema."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, data in schema_files().items():
        (Path(folder) / name).write_bytes(data)
