"""Programs that write a trace, against the machines themselves in plain Python.

Each reference runs a machine from its prompt, with a memory of its own, and writes the
whole trace; the programs look at one word after the other.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.interchange.tokenizer import EOS
from compiler.ir.interpret import encode_batch, interpret
from compiler.machine.generate import generate_batch
from compiler.rasp.program import Program
from programs import machines
from programs.registers import ON_REGISTERS
from programs.scratchpads import ENDS, TOMITA
from programs.stack import ON_STACK
from programs.traces import RUN, Traces
from tests.programs.check import check_against_reference

pytestmark = pytest.mark.filterwarnings("ignore:.* wrote no EOS")  # they go on

BATCH = 64  # prompts that are run side by side

Run = Callable[[list[str]], Iterator[str]]
"""From the words of a prompt, without the one at its end, to the words behind it."""


def subleq(prompt: list[str], size: int = machines.CELLS) -> Iterator[str]:
    memory = [int(cell) for cell in prompt] + [0] * (size - len(prompt))
    pc = 0
    while True:
        a, b, target = (memory[(pc + i) % size] for i in range(3))
        memory[b] = (memory[b] - memory[a]) % size
        yield from (f"pc{pc}", f"a{a}", f"b{b}", f"c{target}", f"={memory[b]}")
        signed = memory[b] if memory[b] < size // 2 else memory[b] - size
        pc = target if signed <= 0 else (pc + 3) % size
        if pc == size - 1:
            return


def registers(prompt: list[str]) -> Iterator[str]:
    held, pc = {"x": 0, "y": 0}, 0
    while pc < 8:
        yield f"pc{pc}"
        code = prompt[pc] if pc < len(prompt) else "halt"
        if code == "halt":
            return
        if code.startswith("goto"):
            pc = int(code[4:])
            yield "=0"
            continue
        register = code[3] if code[:3] in ("inc", "dec") else code[2]
        if code.startswith("inc"):
            held[register] = (held[register] + 1) % 8
        elif code.startswith("dec"):
            held[register] -= held[register] > 0
        yield f"={held[register]}"
        jump = code.startswith("jz") and held[register] == 0
        pc = int(code[3:]) if jump else pc + 1


def stack(prompt: list[str]) -> Iterator[str]:
    numbers: list[int] = []
    pc = 0
    while pc < 8:
        yield f"pc{pc}"
        code = prompt[pc] if pc < len(prompt) else "halt"
        needs = {"add": 2, "sub": 2, "dup": 1, "pop": 1}.get(code, 0)
        needs = 1 if code.startswith("jz") else needs
        grows = code == "dup" or code.startswith("push")
        if code == "halt" or len(numbers) < needs or len(numbers) + grows > 4:
            return
        if code.startswith("push"):
            numbers.append(int(code[4:]))
        elif code == "dup":
            numbers.append(numbers[-1])
        elif code == "pop":
            numbers.pop()
        elif code in ("add", "sub"):
            top = numbers.pop()
            numbers[-1] = (numbers[-1] + (top if code == "add" else -top)) % 8
        top = numbers[-1] if numbers else 0
        yield from (f"depth{len(numbers)}", f"={top}")
        jump = code.startswith("goto") or (code.startswith("jz") and top == 0)
        pc = int(code.lstrip("gotjz")) if jump else pc + 1


def counter(prompt: list[str]) -> Iterator[str]:
    value = sum(int(bit) << place for place, bit in enumerate(prompt))
    while True:
        for place in range(4):
            low = (2 << place) - 1
            carry = value & low == low
            bit = (value + 1) >> place & 1
            yield f"b{place}={'10' if carry else bit}"
        value += 1
        if value == 16:
            return


def automaton(prompt: list[str], language: int = 3) -> Iterator[str]:
    state = 0
    for letter in prompt:
        state = TOMITA[language].moves[state][int(letter)]
        yield f"q{state}"
    yield "accept" if state in TOMITA[language].accepting else "reject"


RUNS: dict[str, Run] = {
    "subleq_machine": subleq,
    "register_machine": registers,
    "stack_machine": stack,
    "binary_counter": counter,
    "tomita_states": automaton,
}


def behind(run: Run, prompt: list[str], most: int) -> list[str]:
    """Return the words behind a prompt, `most` of them, EOS from where it halts."""
    return list(itertools.islice(itertools.chain(run(prompt), [EOS] * most), most))


def outputs(name: str, tokens: list[Any]) -> list[Any]:
    """Return what a program writes behind each word of an accepted input."""
    accepts = programs.find(name).accepts
    assert isinstance(accepts, Traces)
    if accepts.end not in tokens:
        return [EOS] * len(tokens)
    place = tokens.index(accepts.end)
    return [EOS] * place + behind(RUNS[name], tokens[:place], len(tokens) - place)


def reference(name: str) -> Callable[[list[Any]], list[Any]]:
    return lambda tokens: outputs(name, tokens)


REFERENCES = {name: reference(name) for name in RUNS}


def prompts_of(program: Program, count: int, seed: int = 0) -> list[list[Any]]:
    """Return random prompts, each with the word at its end."""
    assert isinstance(program.accepts, Traces)
    rng = np.random.default_rng(seed)
    return [[*program.accepts.prompt(rng), program.accepts.end] for _ in range(count)]


@cache
def compiled(name: str):
    return compile_model(programs.find(name))


def written(name: str, prompt: str) -> list[Any]:
    """Return what a model writes, in a batch of a size that is compiled already."""
    others = prompts_of(programs.find(name), BATCH - 1)
    return compiled(name).generate([prompt.split(), *others])[0]


@pytest.mark.parametrize("name", RUNS)
def test_a_program_writes_what_the_machine_does(name):
    check_against_reference(programs.find(name), REFERENCES[name], most=8)


@pytest.mark.parametrize("name", RUNS)
def test_a_generated_trace_is_that_of_the_machine(name):
    model, program = compiled(name), programs.find(name)
    prompts = prompts_of(program, BATCH)
    for prompt, made in zip(prompts, model.generate(prompts), strict=True):
        wanted = behind(RUNS[name], prompt[:-1], program.max_len - len(prompt))
        assert made == [word for word in wanted if word != EOS], prompt


@pytest.mark.slow
def test_a_machine_is_exact_over_a_hundred_thousand_words(monkeypatch):
    """SUBLEQ with 8 cells, in a context of 500 words, from 256 memories that go on."""
    # The tests compile without optimisation, and here the code runs for long.
    generate = jax.jit(
        inspect.unwrap(generate_batch),
        static_argnames=("stop", "longest"),
        compiler_options={
            "xla_backend_optimization_level": 1,
            "xla_llvm_disable_expensive_passes": False,
        },
    )
    monkeypatch.setattr("compiler.machine.generate.generate_batch", generate)
    size, room = 8, 500
    model = compile_model(machines.subleq_of(size, room))
    rng, prompts = np.random.default_rng(1), []
    while len(prompts) < 256:
        cells = list(map(str, rng.integers(size, size=size).tolist()))
        if sum(1 for _ in itertools.islice(subleq(cells, size), 400)) == 400:
            prompts.append([*cells, RUN])
    made = model.generate(prompts)
    for prompt, words in zip(prompts, made, strict=True):
        trace = subleq(prompt[:-1], size)
        assert words == list(itertools.islice(trace, room - len(prompt)))
    assert sum(map(len, made)) >= 100_000


@pytest.mark.parametrize("language", TOMITA)
def test_the_automata_are_those_of_the_languages_in_words(language):
    typed = compile_model(programs.find(f"tomita_{language}"), max_len=8).typed
    texts = [t for size in range(1, 9) for t in itertools.product((0, 1), repeat=size)]
    trace = interpret(typed, *encode_batch(typed, texts))
    for row, text in enumerate(texts):
        *_, verdict = automaton(list(map(str, text)), language)
        assert (verdict == "accept") == trace.decoded(typed.output, row)[-1], text


def test_another_language_is_another_program():
    program = programs.find("tomita_states").with_parameters(language=5)
    model = compile_model(program, max_len=12)
    assert model.generate("0 1 1 0 =") == ["q1", "q3", "q1", "q0", "accept"]


def test_arithmetic_on_the_machines():
    """3 + 4 on the stack; y counted down for x; 4 - (0 - 3) in cells 12 to 14."""
    assert written("stack_machine", "push3 push4 add halt run")[-2] == "=7"
    loop = "incy incy incy jzy7 decy incx goto3 run"
    made = written("register_machine", loop)
    assert made[:6] == ["pc0", "=1", "pc1", "=2", "pc2", "=3"]
    assert made[-3:] == ["pc3", "=0", "pc7"]
    assert ("pc5", "=3") in zip(made[::2], made[1::2], strict=False)
    add = "12 14 3 14 13 6 14 14 15 0 0 0 3 4 run"
    made = written("subleq_machine", add)
    assert made[5:10] == ["pc3", "a14", "b13", "c6", "=7"] and made[-1] == "=0"


def test_behind_the_end_of_a_run_there_is_nothing_but_the_end():
    accepts = programs.find("stack_machine").accepts
    assert isinstance(accepts, Traces)
    assert accepts(["push1", RUN, "pc0", "depth1", "=1", "pc1", EOS, EOS])
    assert not accepts(["push1", RUN, "pc0", "depth1", "=2"])
    assert not accepts(["push1", "=1"]) and accepts(["push1"])
    assert not accepts([ENDS]) and set(ON_STACK) & set(ON_REGISTERS) == {
        "halt",
        *(f"goto{i}" for i in range(8)),
    }
