"""The programs of `programs/inference.py` against plain Python."""

from __future__ import annotations

import pytest

from programs import inference
from tests.programs.check import check_against_reference, check_docstring


def cnf(x):
    clauses = "".join(map(str, x)).split(",")
    return [all("1" in clause for clause in clauses)] * len(x)


REFERENCES = {"cnf_of_literals": cnf}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(inference, name), REFERENCES[name])
    check_docstring(getattr(inference, name), REFERENCES[name])
