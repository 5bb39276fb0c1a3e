"""The tables of the index of a large folder of releases, in SQLite."""

from __future__ import annotations

import sqlite3

LAYOUT = 3
"""The version of the tables; others are made anew."""
_TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS releases (
    name TEXT, version INTEGER, newest INTEGER, folder TEXT, shape INTEGER,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shapes (
    id INTEGER PRIMARY KEY, key TEXT UNIQUE,
    kind TEXT, program TEXT, architecture TEXT, audit TEXT,
    layers INTEGER, heads INTEGER, d_model INTEGER, parameters INTEGER,
    variables INTEGER, edges INTEGER, holds INTEGER,
    norm TEXT, nodes INTEGER, attending INTEGER
);
CREATE TABLE IF NOT EXISTS folders (
    folder TEXT PRIMARY KEY, stamp TEXT, entry TEXT, broken TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS releases_by_shape ON releases (newest, shape);
CREATE INDEX IF NOT EXISTS broken_folders ON folders (folder) WHERE broken IS NOT NULL;
"""
SET_NEWEST = """
UPDATE releases SET newest = version =
    (SELECT MAX(version) FROM releases AS other WHERE other.name = releases.name)
"""
"""Says of each release whether it is the newest version."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an index, unless another process just did."""
    layout = f"INSERT OR IGNORE INTO about VALUES ('layout', '{LAYOUT}');"
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} {layout} COMMIT;")
