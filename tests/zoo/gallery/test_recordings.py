"""What pages show of a model's runs is what the model, and its program, give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.ir.interpret import encode_batch, interpret, selected
from compiler.ir.typed import Pick
from compiler.machine.names import Edge
from compiler.machine.patch import Patch, edge_mask
from zoo.gallery.attention import attention_section
from zoo.gallery.circuit import circuit_data, circuit_section, minimal_circuits
from zoo.gallery.recordings import DEGREES, record_attention, record_degrees
from zoo.release.released import Released, load_released
from zoo.scoring.sufficient import Circuits

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model() -> Released:
    return load_released(ROOT / "releases/reverse-compiled")


def test_outputs_by_degree_are_those_of_a_patch_with_that_share(
    model: Released,
) -> None:
    recorded = {d.edge: d.outputs for d in record_degrees(model, model.certificate)}
    found = [f for f in model.certificate.circuit if f.witness and not f.witness.shift]
    assert found and set(recorded) >= {f.edge for f in found}
    names = model.config.names
    for finding in found:
        witness, outputs = finding.witness, recorded[finding.edge]
        assert witness is not None and len(outputs) == len(DEGREES)
        donor = model.run(list(witness.donor)).writes
        shared = min(len(witness.base), len(witness.donor)) + 1  # BOS is one of them
        where = (np.arange(model.config.n_ctx) < shared).astype(np.float32)
        for step in (0, 3, len(DEGREES) - 1):
            mask = DEGREES[step] * edge_mask(names, [finding.edge])
            run = model.run(list(witness.base), Patch.edges(mask, donor, where=where))
            size = len(witness.base)
            assert outputs[step] == tuple(model.decode(run.logits[1 : size + 1]))


def test_a_head_of_a_compiled_model_attends_to_what_its_selector_selects(
    model: Released,
) -> None:
    tokens = list("abcda")
    (found,) = record_attention(model, [tokens])
    typed = model.typed
    trace = interpret(typed, *encode_batch(typed, [tokens]))
    operation = typed.variables[typed.output].operation
    assert isinstance(operation, Pick)
    right = selected(trace, operation.selector)[0, : len(tokens), : len(tokens)]
    part = model.config.names.source_parts[model.circuit.sites[model.output].node]
    pattern = found.patterns[part.layer, part.head]
    assert np.allclose(found.patterns.sum(-1), 1, atol=1e-5)
    assert np.array_equal(pattern[:, 1:] > 0.5, right)


def test_the_page_has_a_picture_of_every_head(model: Released) -> None:
    found = record_attention(model, [list("abc"), list("dd")])
    section = str(attention_section(model, found))
    assert section.count("<figure") == 2 * 2  # two inputs, two heads
    assert "Attention pattern of a1.h0: a to c, b to b, c to a" in section


def test_the_scripts_are_told_every_figure_of_the_certificate(model: Released) -> None:
    data = circuit_data(model, model.certificate, [], [])
    by_name = {edge["name"]: edge for edge in data["edges"]}
    assert set(by_name) == set(map(str, model.circuit.edges))
    for finding in model.certificate.circuit:
        edge = by_name[finding.edge]
        rate, witness = finding.effect, finding.witness
        assert witness is not None
        assert edge["effect"] == [rate.share, rate.low, rate.high]
        assert edge["witness"]["outputs"] == [
            list(map(str, witness.before)),
            list(map(str, witness.after)),
        ]
    assert all(Edge(*name.split("->")) in model.circuit for name in by_name)


def test_circuits_in_turn_are_listed_and_can_be_chosen(model: Released) -> None:
    names = [str(edge) for edge in model.circuit.edges]
    found = Circuits(
        *("reverse", "resample", 1.0, 8),
        sufficient=(tuple(names[:2]), tuple(names[2:])),
        necessary=(),
        single={},
        complete=True,
        tried=3,
        monotone=1.0,
    )
    in_turn = minimal_circuits(found)
    section = str(circuit_section(model, model.certificate, [], in_turn))
    assert "This model has 2 circuits" in section
    assert section.count("<button") == 3 and 'data-circuit="1"' in section
    data = circuit_data(model, model.certificate, [], in_turn)
    assert [c["edges"] for c in data["circuits"]] == [
        tuple(names[:2]),
        tuple(names[2:]),
    ]
    assert (
        "circuits" not in str(circuit_section(model, model.certificate, [], []))[:600]
    )
