"""A machine with two registers; its program stands in the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compiler.rasp import (
    EQ,
    Select,
    SequenceMap,
    SOp,
    last,
    program,
    where,
)
from compiler.rasp.values import Value
from programs.stored_programs import (
    ADDRESSES,
    HALT,
    NUMBERS,
    WRITTEN,
    are_among,
    continued,
    executed,
    instruction_at,
    next_pc,
    prompts,
    word_of,
)
from programs.traces import (
    EOS,
    FAMILY,
    RUN,
    Traces,
    kind,
    kinds,
    latest,
    number,
    numbered,
    numbers,
    words_of,
)

REGISTERS = "xy"
CHANGES = [f"{what}{register}" for what in ("inc", "dec") for register in REGISTERS]
TESTS = [word for name in REGISTERS for word in numbered(f"jz{name}", ADDRESSES)]
ON_REGISTERS = (*CHANGES, *TESTS, *numbered("goto", ADDRESSES), HALT)
WORDS = (*ON_REGISTERS, RUN, *WRITTEN)


def register_of(instruction: Value) -> Value:
    """Return the register that an instruction changes or tests, "" if it has none."""
    name = kind(instruction)[-1:]
    return name if name in REGISTERS else ""


def changed(instruction: Value, held: int) -> Value:
    """Return what an instruction leaves in its register; None at `halt`."""
    if instruction == HALT:
        return None
    steps = {"inc": 1, "dec": -1}.get(instruction[:3], 0)
    return max(held + steps, 0) % NUMBERS if register_of(instruction) else 0


def run_registers(prompt: Sequence[Value]) -> Iterator[Value]:
    """Return what a register machine writes that executes a prompt."""
    held, word = dict.fromkeys(REGISTERS, 0), "pc0"
    while word != EOS:
        yield word
        instruction = instruction_at(prompt, number(word))
        register = register_of(instruction)
        value = changed(instruction, held.get(register, 0))
        if value is None:
            return
        yield f"={value}"
        held[register] = value
        word = continued(instruction, number(word), value)


@program(
    family=FAMILY,
    vocab=WORDS,
    max_len=64,
    example=(
        words_of("incx jzy3 goto0 decx run pc0 =1 pc1 =0"),
        words_of("EOS EOS EOS EOS pc0 =1 pc1 =0 pc3"),
    ),
    accepts=Traces(prompts(ON_REGISTERS), run_registers, are_among(ON_REGISTERS), 64),
    generates=True,
)
def register_machine() -> SOp:
    """The next word of a register machine's trace; the prompt is its program, `run`.

    The registers x and y hold 0 to 7; 7 is followed by 0. `incx` adds one, `decx` takes
    one off unless there is none, `jzx3` goes on at address 3 if x is 0, `goto3` in any
    case. `halt`, or an address without an instruction, halts. Each instruction writes
    its address, and what is in its register then.

        incx jzy3 goto0 decx run -> pc0 =1 pc1 =0 pc3 =0 pc4
    """
    pc = latest("pc", "latest_pc")
    instruction = executed(ON_REGISTERS, pc)
    register = instruction.map(lambda i: register_of(i) or "none").named("register")
    holds = SequenceMap(
        lambda word, register: register if word == "=" and register != "none" else "",
        kinds(),
        register,
    ).named("holds")
    held = last(Select(holds, register, EQ), numbers(), 0).named("held")
    result = SequenceMap(changed, instruction, held).named("result")
    onwards = next_pc(instruction, pc)
    value = where(kinds() == "pc", result, where(kinds() == "=", onwards, 0))
    return SequenceMap(word_of(WORDS, "pc", "="), kinds(), value.named("value"))
