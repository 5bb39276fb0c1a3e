"""The laws of saved models: load(save(x)) = x, and what is not x is refused.

Every fault of a saved folder is a FormatError with the file's name, what was found and
what was expected. The fuzz at the end looks for faults that nobody thought of.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

import programs
from compiler import save as saving
from compiler.api import compile_model
from compiler.errors import FormatError, InputError
from compiler.machine.circuit import Circuit
from compiler.machine.config import Config
from compiler.machine.weights import Weights, init
from compiler.model import Model
from compiler.rasp import Select, indices, mean, tokens, where
from compiler.save import (
    CIRCUIT,
    CONFIG,
    FILES,
    PROGRAM,
    SUMS,
    WEIGHTS,
    load_model,
    save_model,
    to_files,
)
from tests.numpy_forward import outputs
from tests.saved_files import normal_files

MUTATIONS, PARTS = 120, 3
NAMES = ("reverse", "sort", "fraction_previous", "dyck2_balanced", "most_frequent")
DENSE: dict[str, Any] = {"rotate": 1, "permute_heads": 2, "decoys": 1}

Json = Any


@pytest.fixture(scope="module")
def dense() -> Model:
    """A model with all that a file can hold: means, None, a basis, a second circuit."""
    return compile_model(
        programs.find("fraction_previous"), **DENSE, beside=programs.find("reverse")
    )


@pytest.fixture
def folder(dense: Model, tmp_path: Path) -> Path:
    return save_model(dense, tmp_path / "saved")


def fix_sums(folder: Path) -> None:
    """Write the digests that the files have now."""
    sums = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in sorted(FILES)
    ]
    (folder / SUMS).write_text("".join(sums))


def edit(folder: Path, name: str, change: Callable[[Json], Any]) -> None:
    """Change the JSON of a file in place, and the digests with it."""
    data = json.loads((folder / name).read_text())
    change(data)
    (folder / name).write_text(json.dumps(data))
    fix_sums(folder)


def edit_tensors(folder: Path, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
    """Change the tensors in place, and the digests with them."""
    tensors = load_tensors((folder / WEIGHTS).read_bytes())
    change(tensors)
    (folder / WEIGHTS).write_bytes(save_tensors(tensors))
    fix_sums(folder)


def edit_header(folder: Path, change: Callable[[Json], Any]) -> None:
    """Change the header of the tensors in place, and the digests with it."""
    data = (folder / WEIGHTS).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    size = len(text).to_bytes(8, "little")
    (folder / WEIGHTS).write_bytes(size + text + data[8 + length :])
    fix_sums(folder)


def refusal(folder: Path) -> str:
    """Return the message of a folder's refusal, and check its form."""
    with pytest.raises(FormatError) as caught:
        load_model(folder)
    text = str(caught.value)
    assert text.isascii() and len(text) < 2000
    return text


# What is saved is what is loaded ----------------------------------------------------


def some_inputs(model: Model, count: int = 40) -> list[list[Any]]:
    rng, vocab = Random(0), model.typed.vocab
    sizes = [1 + k % model.typed.max_len for k in range(count)]
    return [[rng.choice(vocab) for _ in range(size)] for size in sizes]


def assert_same(left: Model, right: Model) -> None:
    """Everything that a model has, compared."""
    assert to_files(left) == to_files(right)
    assert (left.name, left.config) == (right.name, right.config)
    assert (left.readout, dict(left.facts)) == (right.readout, dict(right.facts))
    assert (left.circuit, left.beside) == (right.circuit, right.beside)
    assert list(left.circuit.sites) == list(right.circuit.sites)
    assert list(left.variables) == list(right.variables)
    for mine, yours in zip(
        left.variables.values(), right.variables.values(), strict=True
    ):
        assert (mine.name, mine.values, mine.site) == (
            yours.name,
            yours.values,
            yours.site,
        )
        assert [*map(type, mine.values)] == [*map(type, yours.values)]
        assert (mine.text, mine.note) == (yours.text, yours.note)
        np.testing.assert_equal(mine.rows, yours.rows)
    for mine, yours in zip(left.weights, right.weights, strict=True):
        assert mine.dtype == yours.dtype and not yours.flags.writeable
        np.testing.assert_array_equal(mine, yours)
    np.testing.assert_equal(left.basis, right.basis)


@pytest.mark.parametrize("options", [{}, DENSE], ids=["plain", "dense"])
@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_model_is_the_saved_one(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    model = compile_model(programs.find(name), **options)
    loaded = load_model(save_model(model, tmp_path / "saved"))
    assert_same(model, loaded)
    inputs = some_inputs(model)
    assert outputs(loaded, inputs) == outputs(model, inputs)
    for given in inputs[::4]:
        assert loaded.interpreter(given) == model.interpreter(given)


def test_a_second_program_and_a_basis_come_back(folder: Path, dense: Model) -> None:
    loaded = load_model(folder)
    assert_same(dense, loaded)
    assert dense.beside is not None and dense.basis is not None
    assert set(loaded.sites) > set(loaded.circuit.sites)


def test_values_of_all_kinds_come_back(tmp_path: Path) -> None:
    vocab = ["a", '\u00e9\n"\\', "true", "1", "", "{}"]
    pairs = tokens.map(lambda t: (t, (len(t), t == "a")))
    share = mean(Select(tokens, tokens, lambda k, q: k == q), indices)
    source = where(
        indices > 2, None, where(share > 1, pairs, share.map(lambda v: (v, None)))
    )
    model = compile_model(source, vocab, 4)
    loaded = load_model(save_model(model, tmp_path / "saved"))
    assert_same(model, loaded)
    inputs = some_inputs(model)
    assert loaded.batch(inputs) == model.batch(inputs)


def test_a_model_of_another_make_comes_back(tmp_path: Path) -> None:
    """Trained models: LayerNorm, rotary positions, GELU; sites without a subspace."""
    plain = compile_model(programs.find("reverse"))
    config = replace(
        plain.config, norm="pre", positions="rotary", act="gelu", d_head=4, n_heads=3
    )
    model = replace(
        plain,
        config=config,
        weights=Weights(*init(config, 0)),
        circuit=Circuit(config.names, config.names.edges[:5]),
        rows={},
        facts={"seed": 1, "loss": [0.5, 1e-9], "nested": {"a": {"b": None}}},
    )
    assert_same(model, load_model(save_model(model, tmp_path / "saved")))


def test_saving_twice_gives_the_same_bytes(dense: Model) -> None:
    again = compile_model(
        programs.find("fraction_previous"), **DENSE, beside=programs.find("reverse")
    )
    assert to_files(dense) == to_files(again)


HASHES = """
import hashlib, programs
from compiler.api import compile_model
from compiler.save import to_files
model = compile_model(programs.find("sort"), decoys=1)
print({n: hashlib.sha256(d).hexdigest() for n, d in sorted(to_files(model).items())})
"""


def run_python(code: str, *arguments: str, **variables: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_bytes_do_not_depend_on_the_order_of_sets() -> None:
    found = {run_python(HASHES, PYTHONHASHSEED=seed) for seed in "12"}
    assert len(found) == 1


LOADING = """
import sys, time
from compiler.save import load_model
start = time.process_time()
model = load_model(sys.argv[1])
assert time.process_time() - start < 0.3, time.process_time() - start
assert model.interpreter([3, 1, 2])[model.output] == [1, 2, 3]
heavy = [n for n in ("jax", "flax", "torch", "pickle5", "dill") if n in sys.modules]
print(heavy)
"""


def test_loading_is_quick_and_brings_in_no_jax(tmp_path: Path) -> None:
    target = save_model(compile_model(programs.find("sort")), tmp_path / "sort")
    assert run_python(LOADING, str(target)) == "[]"


def test_the_files_are_plain_and_known_to_other_tools(
    folder: Path, dense: Model
) -> None:
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, SUMS])
    tensors = load_tensors((folder / WEIGHTS).read_bytes())
    assert {"embed.W_E", "blocks.0.attn.W_Q", "unembed.b_U"} <= set(tensors)
    assert {a.dtype for a in tensors.values()} == {np.dtype(np.float32)}
    config = json.loads((folder / CONFIG).read_text())
    assert (config["format"], config["format_version"]) == ("circuitzoo.model", 1)
    for line in (folder / SUMS).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    program = json.loads((folder / PROGRAM).read_text())
    assert program["facts"]["source"] == dense.facts["source"]


# Saving in a place ------------------------------------------------------------------


def test_a_folder_with_a_model_is_replaced_only_on_demand(
    folder: Path, dense: Model
) -> None:
    other = compile_model(programs.find("reverse"))
    with pytest.raises(InputError, match=r"is there already; .* overwrite=True"):
        save_model(other, folder)
    assert_same(load_model(folder), dense)
    save_model(other, folder, overwrite=True)
    assert_same(load_model(folder), other)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_what_is_no_saved_model_is_never_replaced(tmp_path: Path) -> None:
    model = compile_model(programs.find("reverse"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is there and is no folder"):
        save_model(model, tmp_path / "file", overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is there and is no folder"):
        save_model(model, tmp_path / "link", overwrite=True)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"holds thesis\.tex, which no saved model"):
        save_model(model, tmp_path / "work", overwrite=True)
    assert (tmp_path / "work" / "thesis.tex").read_text() == "mine"
    with pytest.raises(InputError, match="cannot save to"):
        save_model(model, tmp_path / "file" / "below")


def test_an_empty_folder_and_new_parents_are_fine(tmp_path: Path) -> None:
    model = compile_model(programs.find("reverse"))
    (tmp_path / "empty").mkdir()
    assert_same(load_model(save_model(model, tmp_path / "empty")), model)
    assert_same(load_model(save_model(model, tmp_path / "a" / "b")), model)


def test_what_no_file_can_hold_is_refused(tmp_path: Path, monkeypatch) -> None:
    model = compile_model(programs.find("reverse"))
    wide = Weights(*(np.asarray(a, np.float64) for a in model.weights))
    readout = replace(model.readout, values=("x",))
    cases = {
        "is float64, and a saved model holds float32": {"weights": wide},
        "cannot be saved as JSON": {"facts": {"loss": float("nan")}},
        "not JSON serializable": {"facts": {"f": print}},
        "readout has 1 values that are not those": {"readout": readout},
    }
    for message, change in cases.items():
        with pytest.raises(InputError, match=message):
            save_model(replace(model, **change), tmp_path / "saved")
    monkeypatch.setattr(saving, "MOST_JSON", 100)
    with pytest.raises(InputError, match="none above 100 is loaded"):
        save_model(model, tmp_path / "saved")
    assert not any(tmp_path.iterdir())


STEPS = ("mkdir", "fsync", "rename", "rmtree")


@pytest.mark.parametrize("there", [False, True], ids=["nothing", "a model"])
def test_an_error_at_any_step_leaves_what_was_there(
    tmp_path: Path, monkeypatch, there: bool
) -> None:
    old = compile_model(programs.find("reverse"))
    new = compile_model(programs.find("sort"))
    target = tmp_path / "saved"
    if there:
        save_model(old, target)
    calls = iter(range(100))

    def failing(at: int, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(calls) == at:
                raise OSError(28, "No space left on device")
            return real(*arguments, **options)

        return call

    failures = 0
    for at in range(20):
        calls = iter(range(100))
        with monkeypatch.context() as patch:
            patch.setattr(saving.os, "fsync", failing(at, os.fsync))
            patch.setattr(saving.os, "rename", failing(at, os.rename))
            try:
                save_model(new, target, overwrite=True)
            except InputError as error:
                assert "No space left on device" in str(error)
                failures += 1
        if not target.exists():
            assert not there
        else:
            found = load_model(target)
            assert found.name in (("reverse", "sort") if there else ("sort",))
        if there:
            save_model(old, target, overwrite=True)
    assert failures >= 6


KILLED = """
import os, sys, programs
from compiler.api import compile_model
from compiler.errors import FormatError
from compiler.save import load_model, save_model

old, new = (compile_model(programs.find(n)) for n in ("reverse", "sort"))
root, found = sys.argv[1], []
real = {name: getattr(os, name) for name in ("fsync", "rename", "mkdir")}

def dying(name, left):
    def call(*arguments, **options):
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)
        return real[name](*arguments, **options)
    return call

for at in range(14):
    target = f"{root}/{at}/saved"
    save_model(old, target)
    child = os.fork()
    if child == 0:
        left = [at]
        for name in real:
            setattr(os, name, dying(name, left))
        save_model(new, target, overwrite=True)
        os._exit(0)
    died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    found.append(load_model(target).name if os.path.exists(target) else "nothing")
    assert died or found[-1] == "sort"
print(*found)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process that is cut off")
def test_a_save_that_is_killed_leaves_the_old_model_or_the_new(tmp_path: Path) -> None:
    found = run_python(KILLED, str(tmp_path)).split()
    assert set(found) == {"reverse", "sort"}
    assert found == sorted(found), "the old one first, then the new one"


# What is refused --------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder).startswith(f"{name}: found no such file, expected it in ")


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_file_that_is_cut_short_is_refused(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    for size in (0, 1, len(data) // 2, len(data) - 1):
        (folder / name).write_bytes(data[:size])
        assert name in refusal(folder)


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_an_altered_byte_is_refused(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    text = refusal(folder)
    assert "SHA-256" in text or SUMS in text


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_links_and_pipes_are_not_followed(
    folder: Path, tmp_path: Path, name: str
) -> None:
    (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")
    assert refusal(folder).startswith(f"{name}: found a link, expected a plain file")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert refusal(folder).startswith(f"{name}: found no plain file")
    (folder / name).unlink()
    (folder / name).mkdir()
    assert name in refusal(folder)


def test_what_is_no_folder_is_refused(tmp_path: Path, folder: Path) -> None:
    assert "found nothing, expected the folder of a saved" in refusal(tmp_path / "no")
    assert "found a file, expected the folder of a saved" in refusal(folder / CONFIG)
    assert f"{SUMS}: found no such file" in refusal(tmp_path)


def test_a_newer_format_is_told_from_an_error(folder: Path) -> None:
    edit(folder, CONFIG, lambda data: data.update(format_version=5, d_extra=[1]))
    text = refusal(folder)
    assert "found version 5 of the format, expected 4 at most" in text
    assert "newer release of circuitzoo. Install a newer release." in text
    # A newer format may have other files.
    (folder / CIRCUIT).unlink()
    sums = (folder / SUMS).read_text().splitlines(keepends=True)
    (folder / SUMS).write_text("".join(s for s in sums if CIRCUIT not in s))
    assert "version 5 of the format" in refusal(folder)


@pytest.mark.parametrize("line", ["../../etc/passwd", "/etc/passwd", "a/../b", "a b"])
def test_a_name_that_leaves_the_folder_is_refused(folder: Path, line: str) -> None:
    with (folder / SUMS).open("a") as file:
        file.write(f"{'0' * 64}  {line}\n")
    assert f"{SUMS}, line 5: found " in refusal(folder)


def test_files_of_other_hands_may_be_listed_and_are_not_read(
    folder: Path, dense: Model
) -> None:
    with (folder / SUMS).open("a") as file:
        file.write(f"{'0' * 64}  README.md\n")
    assert_same(load_model(folder), dense)


def test_large_files_are_refused_before_they_are_read(
    folder: Path, dense: Model, monkeypatch
) -> None:
    edit(folder, CONFIG, lambda data: data.update(d_mlp=2**30))
    assert f"{WEIGHTS}: found" in refusal(folder)
    monkeypatch.setattr(saving, "MOST_JSON", 100)
    edit(folder, CONFIG, lambda data: data.update(d_mlp=dense.config.d_mlp))
    assert f"{PROGRAM}: found" in refusal(folder)
    with (folder / WEIGHTS).open("r+b") as file:
        file.truncate(2**40)  # sparse: it takes no room
    assert f"{WEIGHTS}: found {2**40} bytes, expected" in refusal(folder)


CONFIG_EDITS: dict[str, Callable[[Json], Any]] = {
    "the format 'other', expected 'circuitzoo.model'": lambda d: d.update(
        format="other"
    ),
    "the format 'none'": lambda d: d.pop("format"),
    "no format_version": lambda d: d.pop("format_version"),
    "format_version: found true, expected an integer": lambda d: d.update(
        format_version=True
    ),
    "d_model: found -3, expected an integer in 1..": lambda d: d.update(d_model=-3),
    "unknown keys ['colour']": lambda d: d.update(colour=1),
    "missing ['d_mlp']": lambda d: d.pop("d_mlp"),
    "a transformer that fits in memory": lambda d: d.update(n_layers=10**9),
    "ln_eps: found Infinity, expected a number between": lambda d: d.update(
        ln_eps="1e999"
    ),
    'act: found "tanh", expected one of relu, gelu': lambda d: d.update(act="tanh"),
    "causal: found True, expected False, by program.json": lambda d: d.update(
        causal=True
    ),
    "bos_id and pad_id are both": lambda d: d.update(bos_id=d["pad_id"]),
    "BOS and PAD at (0, ": lambda d: d.update(bos_id=0),
}


@pytest.mark.parametrize("message", CONFIG_EDITS)
def test_a_config_that_does_not_fit_is_refused(folder: Path, message: str) -> None:
    edit(folder, CONFIG, CONFIG_EDITS[message])
    text = (folder / CONFIG).read_text()
    (folder / CONFIG).write_text(text.replace('"1e999"', "1e999"))
    fix_sums(folder)
    text = refusal(folder)
    assert text.startswith(CONFIG) and message in text


def resized(name: str, *shape: int) -> Callable[[dict[str, np.ndarray]], Any]:
    return lambda t: t.update({name: np.zeros(shape, np.float32)})


TENSOR_EDITS: dict[str, Callable[[dict[str, np.ndarray]], Any]] = {
    "blocks.9.mlp.W_in is unknown": resized("blocks.9.mlp.W_in", 1),
    "embed.W_E is missing; embed.E is unknown": lambda t: t.update(
        {"embed.E": t.pop("embed.W_E")}
    ),
    "unembed.b_U has float32[1, 1], not float32[1]": lambda t: t.update(
        {"unembed.b_U": t["unembed.b_U"].reshape(1, 1)}
    ),
    "unembed.b_U has int32[1], not float32[1]": lambda t: t.update(
        {"unembed.b_U": t["unembed.b_U"].astype(np.int32)}
    ),
}


@pytest.mark.parametrize("message", TENSOR_EDITS)
def test_tensors_that_do_not_fit_are_refused(folder: Path, message: str) -> None:
    edit_tensors(folder, TENSOR_EDITS[message])
    text = refusal(folder)
    assert text.startswith(WEIGHTS) and message in text


def test_a_header_that_lies_is_refused(folder: Path) -> None:
    def overlap(header: Json) -> None:
        header["unembed.b_U"]["data_offsets"] = [0, 4]

    def outside(header: Json) -> None:
        header["unembed.b_U"]["data_offsets"] = [2**40, 2**40 + 4]

    original = (folder / WEIGHTS).read_bytes()
    for change in (overlap, outside):
        (folder / WEIGHTS).write_bytes(original)
        edit_header(folder, change)
        text = refusal(folder)
        assert text.startswith(WEIGHTS) and "no safetensors" in text
    for length in (2**63, len(original), 0):
        (folder / WEIGHTS).write_bytes(length.to_bytes(8, "little") + original[8:])
        fix_sums(folder)
        assert refusal(folder).startswith(WEIGHTS)


def variables(data: Json, kind: str) -> list[Json]:
    """Return the operations of a kind in program.json."""
    operations = [v["operation"] for v in data["program"]["variables"]]
    return [o for o in operations if o["kind"] == kind]


def first_variable(**change: Json) -> Callable[[Json], Any]:
    return lambda d: d["program"]["variables"][0].update(change)


PROGRAM_EDITS: dict[str, Callable[[Json], Any]] = {
    "output: found 99, expected an integer in 0..": lambda d: d["program"].update(
        output=99
    ),
    "max_len: found 0, expected an integer in 1..": lambda d: d["program"].update(
        max_len=0
    ),
    "the keys causal, extra, max_len": lambda d: d["program"].pop("name"),
    "expected a name that no earlier variable has": lambda d: d["program"][
        "variables"
    ].append(d["program"]["variables"][0]),
    "value, expected": lambda d: None,
    "values: found a list of 0, expected one value or more": first_variable(values=[]),
    "values[0]: found 1.5, expected a value: null, a boolean": first_variable(
        values=[1.5]
    ),
    "values[0]: found a list of 2, expected a fraction in lowest": first_variable(
        values=[{"fraction": [2, 4]}]
    ),
    "values[0]: found a list of 0, expected a value": first_variable(values=[[]]),
    "positions: found a list of 1, expected a list of": first_variable(positions=["1"]),
    "digits, each 0 or 1": lambda d: d["program"]["variables"][0]["positions"].append(
        d["program"]["variables"][0]["positions"].pop().replace("1", "2")
    ),
    'operation, kind: found "run", expected one of input,': first_variable(
        operation={"kind": "run"}
    ),
    "expected an operation with a kind": first_variable(operation={"code": "print()"}),
    "args[0]: found 99, expected an integer in 0..": lambda d: variables(d, "table")[
        0
    ].update(args=[99]),
    "args: found a list of 0, expected 1 to 32 variables": lambda d: variables(
        d, "table"
    )[0].update(args=[]),
    "table: found a list of 1, expected a list of the shape": lambda d: variables(
        d, "table"
    )[0].update(table=[0]),
    "denominator: found 0, expected an integer in 1..": lambda d: variables(d, "mean")[
        0
    ].update(denominator=0),
    "lookup: found a list of 0, expected a row for every": lambda d: variables(
        d, "mean"
    )[0].update(lookup=[]),
    'selector, kind: found "exec"': lambda d: variables(d, "mean")[0].update(
        selector={"kind": "exec"}
    ),
    "selector, parts: found a list of 0": lambda d: variables(d, "mean")[0].update(
        selector={"kind": "and", "parts": []}
    ),
    'readout, kind: found "classes"': lambda d: None,
}


@pytest.mark.parametrize(
    "message", [m for m in PROGRAM_EDITS if m not in ("value, expected",)]
)
def test_a_program_that_does_not_fit_is_refused(folder: Path, message: str) -> None:
    if message.startswith("readout"):
        edit(folder, PROGRAM, lambda d: d["readout"].update(kind="voice"))
        message = message.replace("classes", "voice")
    else:
        edit(folder, PROGRAM, PROGRAM_EDITS[message])
    text = refusal(folder)
    assert text.startswith(PROGRAM) and message in text


def test_a_variable_that_reads_a_later_one_is_refused(folder: Path) -> None:
    def turn(data: Json) -> None:
        listed = data["program"]["variables"]
        place = next(i for i, v in enumerate(listed) if v["operation"].get("args"))
        listed[place]["operation"]["args"][0] = place

    edit(folder, PROGRAM, turn)
    assert "args[0]: found " in refusal(folder)


CIRCUIT_EDITS: dict[str, Callable[[Json], Any]] = {
    "edges[0]: found 3, expected a string": lambda d: d["circuit"].update(edges=[3]),
    "no source is named 'a9.h9'": lambda d: d["circuit"]["edges"].append(
        "a9.h9->logits"
    ),
    "circuit: found an object with the keys 'edges'": lambda d: d.update(
        circuit={"edges": []}
    ),
    "circuit, n_layers: found 77": lambda d: d["circuit"].update(n_layers=77),
    "order, rows: found a list of": lambda d: d.update(rows={}),
    "order, beside: found a list of": lambda d: d.update(beside=None),
    "order, circuit: found a list of": lambda d: d["order"]["circuit"].append("ghost"),
    "rows that are not orthonormal, expected orthonormal": lambda d: d["basis"][
        0
    ].__setitem__(0, 1e300),
    "basis: found a list of": lambda d: d["basis"].pop(),
    "numbers with a decimal point": lambda d: d["basis"][0].__setitem__(0, True),
}


@pytest.mark.parametrize("message", CIRCUIT_EDITS)
def test_a_circuit_that_does_not_fit_is_refused(folder: Path, message: str) -> None:
    edit(folder, CIRCUIT, CIRCUIT_EDITS[message])
    text = refusal(folder)
    assert text.startswith(CIRCUIT) and message in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "lists and objects 100000 deep, expected at most 100"),
        ("[" * 99, "text that is not JSON"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "a key occurs twice"),
        ("\xff", "text that is not JSON"),
        ("[1]", "a list of 1, expected an object with the keys"),
        ('{"\\u001b[31m\\ud800": 1}', "surrogates not allowed"),
        ('{"\\u001b[31m": 1}', r"\\u001b[31m"),
        ("9" * 5000, "text that is not JSON"),
    ],
)
def test_text_that_is_not_the_json_expected_is_refused(
    folder: Path, text: str, message: str
) -> None:
    (folder / PROGRAM).write_bytes(text.encode("latin-1"))
    fix_sums(folder)
    assert message.replace("\\\\", "\\") in refusal(folder)


# Faults that nobody thought of ------------------------------------------------------


def places(data: Json, above: tuple = ()) -> list[tuple]:
    """Return the path of every piece of some JSON."""
    inner = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return [above, *(p for key, value in inner for p in places(value, (*above, key)))]


def mutated(data: Json, rng: Random) -> Json:
    """Return JSON with one piece of it changed, at any depth with the same odds."""
    paths = places(data)
    depth = rng.choice(sorted({len(p) for p in paths} - {0}))
    *above, key = rng.choice([p for p in paths if len(p) == depth])
    parent = data
    for step in above:
        parent = parent[step]
    old = parent[key]
    number = old if isinstance(old, int | float) else 0
    choices = [None, True, -1, 0, 1, 2**70, 0.5, "", "x", [], {}, [old], old]
    choices += (
        [number + 1, number - 1, -number, str(old)[:50], old * 2]
        if not isinstance(old, dict | type(None))
        else []
    )
    action = rng.randrange(6)
    if action == 0 and isinstance(parent, list):
        parent.insert(rng.randrange(len(parent) + 1), old)
    elif action == 0:
        parent[f"{key}2"] = old
    elif action == 1:
        del parent[key]
    elif action == 2 and isinstance(parent, list):
        other = rng.randrange(len(parent))
        parent[key], parent[other] = parent[other], old
    else:
        parent[key] = rng.choice(choices)
    return data


def mutate(folder: Path, rng: Random) -> tuple[str, bool]:
    """Change one thing in a folder; return what, and whether the digests fit."""
    name = rng.choice([*FILES, SUMS])
    path = folder / name
    data = bytearray(path.read_bytes())
    kind = rng.choice(["flip", "cut", "flip+", "cut+", *["json"] * 8, "rename"])
    if kind.startswith("flip"):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
    elif kind.startswith("cut"):
        path.write_bytes(data[: rng.randrange(len(data))])
    elif kind == "rename":
        edit_header(folder, lambda header: mutated(header, rng))
    else:
        name = rng.choice([CONFIG, CIRCUIT, PROGRAM, PROGRAM, PROGRAM])
        read = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(mutated(read, rng)))
        fix_sums(folder)
    if kind.endswith("+"):
        fix_sums(folder)
    return f"{kind} {name}", kind not in ("flip", "cut")


@pytest.mark.parametrize("part", range(PARTS))
def test_a_mutated_folder_is_refused_or_is_just_what_it_says(
    tmp_path: Path, dense: Model, part: int
) -> None:
    """Nothing but FormatError; and what does load holds what the files hold.

    An edit whose digests fit may describe another sound model, say with another entry
    in a table. Then nothing of the files is lost, and the interpreter can run it.
    """
    small = compile_model(programs.find("most_frequent"), list("ab"), 3)
    choices = [to_files(dense), to_files(small)]
    rng, folder, loaded = Random(part), tmp_path, 0
    for _ in range(MUTATIONS // PARTS):
        for name, data in rng.choice(choices).items():
            (folder / name).write_bytes(data)
        told, fits = mutate(folder, rng)
        try:
            found = load_model(folder)
        except FormatError as error:
            assert len(str(error)) < 3000, told
            continue
        assert fits, told
        loaded += 1
        files = {name: (folder / name).read_bytes() for name in FILES}
        assert normal_files(to_files(found)) == normal_files(files), told
        found.interpreter(list(found.typed.vocab[:1]) * found.typed.max_len)
    assert loaded < MUTATIONS // PARTS / 2


def test_config_of_a_saved_model_is_a_config(folder: Path, dense: Model) -> None:
    data = json.loads((folder / CONFIG).read_text())
    for key in ("format", "format_version"):
        data.pop(key)
    assert Config.from_json(data) == dense.config
