"""The command line as a fixture."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.zoo.calls import Call, Outcome
from zoo.cli import main


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Call:
    """Return a function that runs the command line in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        status = stop.value.code or 0
        assert isinstance(status, int)
        return Outcome(status, printed.out, printed.err)

    return run
