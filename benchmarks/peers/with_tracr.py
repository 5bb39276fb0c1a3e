"""Tracr's own programs and InterpBench's, run here after one changed import.

    python -m benchmarks.peers.with_tracr --tracr TRACR [--cases CASES] [--out FILE]

TRACR is a checkout of github.com/google-deepmind/tracr, CASES one of
github.com/FlyingPumba/circuits-benchmark. Nothing of theirs is kept: their files are
copied to a temporary folder, once as they are, and once with `from tracr.rasp import
rasp` changed to `from compiler.rasp import tracr as rasp`. Tracr's evaluator
(`tracr/rasp/rasp.py`, which needs absl and NumPy only) says what each program gives;
held against it are our evaluator, the interpreter of the compiled program, and the
compiled transformer.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import random
import re
import sys
import tempfile
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from compiler.errors import ZooError
from compiler.ir.interpret import encode_batch, interpret
from compiler.rasp import tracr as ours

IMPORT = "from tracr.rasp import rasp"
CHANGED = "from compiler.rasp import tracr as rasp"
TOLERANCE = 1e-5  # relative; compiled models are float32


@dataclass(frozen=True)
class Case:
    """One program, twice: built with Tracr's names, and with ours.

    Attributes:
        name: the case's.
        theirs: the expression of Tracr.
        ours: the same lines, run after the import was changed.
        vocab: its tokens, a set.
        max_len: the greatest number of tokens, without BOS.
        causal: whether it is compiled with causal masking.
    """

    name: str
    theirs: Any
    ours: Any
    vocab: Any
    max_len: int
    causal: bool


@dataclass
class Outcome:
    """What one case came to: inputs, and how many differ, by what was compared."""

    name: str
    causal: bool
    inputs: int = 0
    no_value: int = 0
    differs: Counter[str] = field(default_factory=Counter)
    first: str = ""
    refused: str = ""
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether every input gave the same."""
        return not self.refused and not sum(self.differs.values()) and self.inputs > 0


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same, numbers within the tolerance."""
    numbers = isinstance(one, int | float) or hasattr(one, "denominator")
    if one is None or other is None or not numbers or isinstance(other, str):
        return one == other
    scale = max(1.0, abs(float(other)))
    return math.isclose(float(one), float(other), abs_tol=TOLERANCE * scale)


def inputs_of(case: Case, count: int) -> Iterator[list[Any]]:
    """Yield all inputs of a case where they are at most `count`, else a sample."""
    vocab = sorted(case.vocab, key=lambda v: (type(v).__name__, v))
    total = sum(len(vocab) ** n for n in range(1, case.max_len + 1))
    if total <= count:
        for n in range(1, case.max_len + 1):
            yield from map(list, itertools.product(vocab, repeat=n))
        return
    rng = random.Random(0)
    for number in range(count):
        yield rng.choices(vocab, k=number % case.max_len + 1)


def check(case: Case, evaluate: Callable[..., Any], count: int) -> Outcome:
    """Return how often our three answers differ from Tracr's evaluator."""
    outcome = Outcome(case.name, case.causal)
    begin = time.process_time()
    rows, expected = [], []
    for row in inputs_of(case, count):
        try:
            expected.append(evaluate(case.theirs, row))
        except Exception:
            outcome.no_value += 1
            continue
        rows.append(row)
    outcome.inputs = len(rows)
    try:
        model = zoo.compile(case.ours, case.vocab, case.max_len, causal=case.causal)
        trace = interpret(model.typed, *encode_batch(model.typed, rows))
        answers = {
            "interpreter": [
                trace.decoded(model.typed.output, i) for i in range(len(rows))
            ],
            "model": model.batch(rows),
        }
        some = range(0, len(rows), -(-len(rows) // 25) or 1)
        answers["evaluator"] = [
            ours.evaluate(case.ours, rows[i], case.causal) for i in some
        ]
        for by, found in answers.items():
            chosen = some if by == "evaluator" else range(len(rows))
            for answer, i in zip(found, chosen, strict=True):
                if not all(map(same, answer, expected[i])):
                    outcome.differs[by] += 1
                    outcome.first = outcome.first or (
                        f"{by}: {rows[i]} -> {expected[i]} there, {answer} here"
                    )
    except (ZooError, TypeError, ValueError, AttributeError) as error:
        outcome.refused = f"{type(error).__name__}: {error}"
    outcome.seconds = time.process_time() - begin
    return outcome


def tracr_cases(folder: Path, checkout: Path) -> Iterator[Case]:
    """Yield the rows of Tracr's `compiler/test_cases.py`."""
    source = checkout / "tracr" / "compiler"
    for package in ("theirs", "ours"):
        target = folder / f"tracr_{package}"
        target.mkdir()
        for file in ("lib.py", "test_cases.py"):
            text = (source / file).read_text()
            text = text.replace(
                "from tracr.compiler import", f"from {target.name} import"
            )
            (target / file).write_text(_ported(text) if package == "ours" else text)
        (target / "__init__.py").touch()
    theirs = importlib.import_module("tracr_theirs.test_cases")
    ours = importlib.import_module("tracr_ours.test_cases")
    for kind, causal in (("TEST_CASES", False), ("CAUSAL_TEST_CASES", True)):
        for one, two in zip(getattr(theirs, kind), getattr(ours, kind), strict=True):
            yield Case(
                f"tracr {one['testcase_name']}",
                one["program"],
                two["program"],
                one["vocab"],
                one["max_seq_len"],
                causal,
            )


def interpbench_cases(folder: Path, checkout: Path) -> Iterator[Case]:
    """Yield InterpBench's cases: as they are, and causal where they allow it."""
    source = checkout / "circuits_benchmark" / "benchmark"
    for package in ("theirs", "ours"):
        target = folder / f"cases_{package}"
        (target / "benchmark" / "cases").mkdir(parents=True)
        files = [source / f"{n}.py" for n in _BESIDE] + sorted(
            p for p in (source / "cases").glob("case_*.py") if "ioi" not in p.name
        )
        for file in files:
            text = file.read_text()
            text = re.sub(r"\bcircuits_benchmark\.", f"{target.name}.", text)
            text = _ported(text) if package == "ours" else text
            (target / file.relative_to(source.parent)).write_text(text)
        _stand_in(f"{target.name}.benchmark.tracr_benchmark_case", "TracrBenchmarkCase")
        _stand_in(
            f"{target.name}.transformers.hooked_tracr_transformer",
            "HookedTracrTransformerBatchInput",
        )
    names = sorted(
        (p.stem for p in (folder / "cases_ours/benchmark/cases").glob("case_*.py")),
        key=lambda name: int(name.split("_")[1]),
    )
    for name in names:
        one, two = (
            getattr(
                importlib.import_module(f"cases_{package}.benchmark.cases.{name}"),
                name.replace("case_", "Case"),
            )()
            for package in ("theirs", "ours")
        )
        for causal in (False, True) if one.supports_causal_masking() else (False,):
            yield Case(
                f"interpbench {name}",
                one.get_program(),
                two.get_program(),
                one.get_vocab(),
                one.get_max_seq_len() - 1,
                causal,
            )


_BESIDE = ("vocabs", "common_programs", "program_evaluation_type")


def _ported(text: str) -> str:
    return text.replace(IMPORT, CHANGED)


class _BaseCase:
    """What the case files need of InterpBench's base class, without torch."""

    def supports_causal_masking(self) -> bool:
        return True

    def get_max_seq_len(self) -> int:
        return 10

    def get_min_seq_len(self) -> int:
        return 4


def _stand_in(module: str, name: str) -> None:
    made = types.ModuleType(module)
    setattr(made, name, _BaseCase)
    sys.modules[module] = made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; 1 if a program differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tracr", type=Path, required=True, metavar="TRACR")
    parser.add_argument("--cases", type=Path, metavar="CASES")
    parser.add_argument("--inputs", type=int, default=500, help="a program, at most")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--out", type=Path, help="write the outcomes here, as JSON")
    given = parser.parse_args(arguments)
    sys.path.insert(0, str(given.tracr))
    causal_eval = importlib.import_module("tracr.rasp.causal_eval")
    rasp = importlib.import_module("tracr.rasp.rasp")
    evaluators = {False: rasp.evaluate, True: causal_eval.evaluate}
    outcomes = []
    with tempfile.TemporaryDirectory() as name:
        sys.path.insert(0, name)
        cases = tracr_cases(Path(name), given.tracr)
        if given.cases:
            cases = itertools.chain(cases, interpbench_cases(Path(name), given.cases))
        for case in cases:
            if given.only not in case.name:
                continue
            outcome = check(case, evaluators[case.causal], given.inputs)
            outcomes.append(outcome)
            word = "equal" if outcome.equal else outcome.refused or outcome.first
            kind = "causal" if case.causal else ""
            print(
                f"{case.name} {kind}: {outcome.inputs} inputs, "
                f"{outcome.no_value} without value: {word}",
                flush=True,
            )
    equal = sum(o.equal for o in outcomes)
    seconds = np.sum([o.seconds for o in outcomes])
    print(f"{equal} of {len(outcomes)} equal, {seconds:.0f} CPU s")
    if given.out:
        given.out.write_text(json.dumps([vars(o) for o in outcomes], indent=1))
    return int(equal < len(outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
