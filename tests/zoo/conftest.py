"""The command line, and models as cases, as fixtures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from compiler.model import Model
from tests.zoo.calls import Call, Outcome
from tests.zoo.clusters import DaskCluster, dask_cluster
from tests.zoo.small_cases import small_case
from zoo.auditing.certificate import Certificate
from zoo.cases.case import Case, open_case
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


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A real Dask scheduler with two workers, each a process; one may be killed."""
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture(scope="session")
def tiny() -> Model:
    """The smallest model: 6 inputs, so 36 pairs of them."""
    return zoo.compile("reverse", ["a", "b"], 2)


@pytest.fixture(scope="session")
def tiny_certificate(tiny: Model) -> Certificate:
    return zoo.audit(tiny, pairs=36, scope="sample")


@pytest.fixture(scope="session")
def case() -> Case:
    return open_case("fraction-previous-siit", pairs=16)


@pytest.fixture(scope="session")
def compiled() -> Case:
    return small_case("reverse")


@pytest.fixture(scope="session")
def rotated() -> Case:
    return small_case("reverse", rotate=3)
