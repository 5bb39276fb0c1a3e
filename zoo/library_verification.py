"""Every program of the library, compiled and compared with the interpreter.

Each program is checked in one of a few processes; what a check found comes back as a
`ProgramVerification`. `zoo.verify_library` and `zoo verify --all` call this.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import programs
from compiler.errors import InputError, ZooError
from zoo.threads import ONE_THREAD

if TYPE_CHECKING:
    from compiler.verify import Verification

LIMIT, SAMPLE = 100_000, 20_000
WORK, FEWEST = 10**11, 1_000
"""Multiplications of one program's comparison, about five seconds of a core; and how
many inputs are run, if there are as many, whatever they cost."""


@dataclass(frozen=True)
class ProgramVerification:
    """How one program of the library compares with the interpreter.

    Attributes:
        program: its name.
        failure: why nothing was compared; empty where something was.
        inputs: how many inputs were run.
        complete: whether these are all there are.
        positions: how many positions were compared.
        undefined: positions left out, because the program gives them no meaning.
        wrong: positions at which the model differs.
        worst: greatest relative error of a number; 0 where the output is a class.
        example: one input on which the model differs, with both outputs; or "".
        interchanges: by variable, the outputs that were wrong when it was interchanged;
            empty where none was.
        compile_seconds: CPU seconds to compile it.
        verify_seconds: CPU seconds to compare it.
    """

    program: str
    failure: str = ""
    inputs: int = 0
    complete: bool = False
    positions: int = 0
    undefined: int = 0
    wrong: int = 0
    worst: float = 0.0
    example: str = ""
    interchanges: Mapping[str, int] = field(default_factory=dict)
    compile_seconds: float = 0.0
    verify_seconds: float = 0.0

    @property
    def right(self) -> bool:
        """Whether it compiles, and no output is wrong."""
        swapped = any(self.interchanges.values())
        return not self.failure and not self.wrong and not swapped

    @property
    def fault(self) -> str:
        """What is not right, in one line; "" where all is."""
        if self.failure:
            return self.failure
        wrong = {"output": self.wrong, **self.interchanges}
        parts = [f"{n:,} wrong ({name})" for name, n in wrong.items() if n]
        return ", ".join(parts) + (f", {self.example}" if self.wrong else "")

    def as_row(self) -> dict[str, Any]:
        """Return it as `zoo verify --json` prints it."""
        return {**vars(self), "right": self.right}


@dataclass(frozen=True)
class LibraryVerification:
    """How the programs of the library compare with the interpreter.

    Attributes:
        programs: what was found for each, in the order of `zoo list`.
    """

    programs: tuple[ProgramVerification, ...]

    @property
    def right(self) -> bool:
        """Whether every program compiles, and no output of any is wrong."""
        return not self.failing

    @property
    def failing(self) -> tuple[ProgramVerification, ...]:
        """Those that do not compile, and those with a wrong output."""
        return tuple(p for p in self.programs if not p.right)

    @property
    def sampled(self) -> tuple[ProgramVerification, ...]:
        """Those that were compared on a sample, because their inputs are too many."""
        return tuple(p for p in self.programs if not p.failure and not p.complete)


def verify_library(
    *,
    jobs: int = 1,
    interchange: bool = False,
    limit: int = LIMIT,
    sample: int = SAMPLE,
    pairs: int = SAMPLE,
    seed: int = 0,
    names: Sequence[str] | None = None,
    progress: bool | Callable[[int, int], None] = True,
) -> LibraryVerification:
    """Return how every program of the library, compiled, compares with the interpreter.

    Args:
        jobs: how many processes check programs, each on one core.
        interchange: whether every variable is interchanged too.
        limit: all inputs of a program are run where they are at most this many, and
            where that takes at most WORK multiplications.
        sample: how many inputs are drawn where there are more; fewer where these would
            take more than WORK.
        pairs: how many pairs of inputs are run for each variable.
        seed: of the sample.
        names: the programs to check; all of them by default.
        progress: whether it is shown how far it is; or a function that is called with
            (programs that are done, all).

    Raises:
        NameLookupError: there is no program of one of the names.
        InputError: `jobs` is no positive number.
    """
    from zoo.progress import show_progress

    if jobs < 1:
        raise InputError(f"jobs is {jobs}: at least one process has to check programs")
    chosen = list(programs.all_programs() if names is None else names)
    for name in chosen:
        programs.find(name)
    options = {"limit": limit, "sample": sample, "seed": seed, "pairs": pairs}
    found: dict[str, ProgramVerification] = {}
    with show_progress("verify", "programs", progress) as show:
        for one in _results(chosen, options, interchange, jobs):
            found[one.program] = one
            show(len(found), len(chosen))
    return LibraryVerification(tuple(found[name] for name in chosen))


def _results(
    names: Sequence[str], options: dict[str, int], interchange: bool, jobs: int
) -> Iterator[ProgramVerification]:
    """Yield what was found for each program, as processes get done with it."""
    waiting: SimpleQueue[str] = SimpleQueue()
    done: SimpleQueue[ProgramVerification] = SimpleQueue()
    for name in names:
        waiting.put(name)
    workers = [
        _Worker([json.dumps([options, interchange])], waiting, done)
        for _ in range(min(jobs, len(names)))
    ]
    for worker in workers:
        worker.thread.start()
    try:
        for _ in names:
            yield done.get()
    finally:  # whoever stops early, by Ctrl-C too, leaves no process behind
        for worker in workers:
            worker.stop()


class _Worker:
    """A process that checks one program after the other, and the thread that asks it.

    It is started again where it dies, so that a crash costs one program and no more.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        waiting: SimpleQueue[str],
        done: SimpleQueue[ProgramVerification],
    ) -> None:
        self.arguments, self.waiting, self.done = arguments, waiting, done
        self.process: subprocess.Popen[str] | None = None
        self.stopped = False
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self) -> None:
        """Have every program that waits checked."""
        while not self.stopped:
            try:
                name = self.waiting.get_nowait()
            except Empty:
                break
            self.done.put(self.ask(name))
        self.stop()

    def ask(self, name: str) -> ProgramVerification:
        """Return what the process finds for one program."""
        process = self.process
        if process is None:
            process = self.process = subprocess.Popen(
                [sys.executable, "-m", "zoo.library_verification", *self.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **ONE_THREAD},
            )
        assert process.stdin is not None and process.stdout is not None
        try:
            print(name, file=process.stdin, flush=True)
            return ProgramVerification(**json.loads(process.stdout.readline()))
        except (OSError, ValueError):  # the pipe is broken, or ends in a line
            status = process.wait()
            _close(process)
            self.process = None
            return ProgramVerification(name, f"its process died, with status {status}")

    def stop(self) -> None:
        """End the process."""
        self.stopped = True
        other = threading.current_thread() is not self.thread
        while other and self.thread.is_alive():  # it may be starting a process
            self._kill()
            self.thread.join(0.1)
        self._kill()
        if self.process is not None:
            _close(self.process)

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def _close(process: subprocess.Popen[str]) -> None:
    """Close the pipes of a process that has ended."""
    for pipe in filter(None, (process.stdin, process.stdout)):
        with suppress(BrokenPipeError):  # a line that the process never read
            pipe.close()


def verify_program(
    name: str, options: Mapping[str, int], interchange: bool
) -> ProgramVerification:
    """Return how one program compares; an error is what was found, and not the end.

    Args:
        name: of a program of the library.
        options: `limit`, `sample`, `seed` and `pairs`, as of `verify_library`.
        interchange: whether every variable is interchanged too.
    """
    start = time.process_time()
    try:
        found = _compare(name, options, interchange)
    except ZooError as error:
        found = ProgramVerification(name, " ".join(str(error).split()))
    except Exception as error:  # a defect of ours is a line too, and not the end
        found = ProgramVerification(name, f"{type(error).__name__}: {error}")
    _forget()
    rest = time.process_time() - start - found.compile_seconds
    return replace(found, verify_seconds=round(rest, 3))


def _compare(
    name: str, options: Mapping[str, int], interchange: bool
) -> ProgramVerification:
    from compiler.api import compile_model
    from compiler.verify import verify_outputs, verify_variables

    program = programs.find(name)
    start = time.process_time()
    model = compile_model(program)
    compiled = round(time.process_time() - start, 3)
    usual = {"seed": options["seed"], "accepts": program.accepts}
    most = max(FEWEST, WORK // (model.config.n_params * model.config.n_ctx))
    inputs = {name: min(options[name], most) for name in ("limit", "sample")}
    found = verify_outputs(model, **inputs, **usual)
    pairs = options["pairs"]
    every = verify_variables(model, pairs=pairs, **usual) if interchange else ()
    row = of_verification(name, found, dict(every))
    return replace(row, compile_seconds=compiled)


def of_verification(
    name: str, found: Verification, interchanges: Mapping[str, Verification]
) -> ProgramVerification:
    """Return a comparison of one model as a row of the whole library's.

    Args:
        name: the program's or the model's.
        found: how its outputs compare.
        interchanges: by variable, how they compare when it is interchanged.
    """
    return ProgramVerification(
        program=name,
        inputs=found.inputs,
        complete=found.complete,
        positions=found.positions,
        undefined=found.undefined,
        wrong=found.wrong,
        worst=found.worst,
        example="" if found.example is None else found.example.text,
        interchanges={v: swapped.wrong for v, swapped in interchanges.items()},
    )


def _forget() -> None:
    """Drop what XLA compiled for this model: over hundreds of them it adds up."""
    import jax

    jax.clear_caches()


def _answer(lines: Iterable[str]) -> None:
    """Check the programs of the lines one by one, and print what is found as JSON."""
    options, interchange = json.loads(sys.argv[1])
    for line in lines:
        found = verify_program(line.strip(), options, interchange)
        print(json.dumps(vars(found)), flush=True)


if __name__ == "__main__":
    _answer(sys.stdin)
