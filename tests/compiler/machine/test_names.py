"""Names: their order, their spelling, and which source a reader sees."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.errors import InputError, NameLookupError
from compiler.machine.names import Edge, Hook, Names, merge_input

shapes = st.tuples(st.integers(1, 4), st.integers(1, 4))


def test_names_of_a_small_transformer_in_order():
    names = Names(1, 2)
    assert names.sources == ("tokens", "positions", "a0.h0", "a0.h1", "m0")
    head_readers = [f"a0.h{h}<{slot}>" for h in range(2) for slot in "qkv"]
    assert names.readers == (*head_readers, "m0", "logits")


@given(shapes)
def test_index_of_a_name_is_its_place(shape):
    names = Names(*shape)
    assert len(names.sources) == 2 + names.n_layers * (names.n_heads + 1)
    assert len(names.readers) == names.n_layers * (3 * names.n_heads + 1) + 1
    places = range(len(names.sources)), range(len(names.readers))
    assert [names.source_index(name) for name in names.sources] == list(places[0])
    assert [names.reader_index(name) for name in names.readers] == list(places[1])


@given(shapes)
def test_visible_sources_are_those_written_before(shape):
    names = Names(*shape)

    def sees(reader, source):
        if source in ("tokens", "positions") or reader == "logits":
            return True
        read_at, written_at = int(reader[1]), int(source[1])
        same_layer = reader[0] == "m" and source[0] == "a"
        return written_at < read_at or (written_at == read_at and same_layer)

    expected = [[sees(r, s) for s in names.sources] for r in names.readers]
    np.testing.assert_array_equal(names.visible, expected)
    assert not names.visible.flags.writeable


@given(shapes)
def test_visible_sources_are_a_prefix(shape):
    names = Names(*shape)
    assert (np.diff(names.visible.astype(int), axis=1) <= 0).all()


@given(shapes)
def test_edges_read_back_and_index_every_visible_entry(shape):
    names = Names(*shape)
    assert [names.parse_edge(str(edge)) for edge in names.edges] == list(names.edges)
    entries = [names.edge_index(edge) for edge in names.edges]
    assert entries == [tuple(entry) for entry in np.argwhere(names.visible).tolist()]


@given(shapes)
def test_readers_of_a_node_are_those_that_feed_it(shape):
    names = Names(*shape)
    for node in (*names.sources, "logits"):
        fed = [reader for reader in names.readers if names.node_of(reader) == node]
        assert list(names.readers_of(node)) == fed
    assert names.readers_of("a0.h0") == ("a0.h0<q>", "a0.h0<k>", "a0.h0<v>")
    assert names.readers_of("tokens") == ()


def test_hooks_are_those_of_transformer_lens():
    names = Names(2, 2)
    assert names.source_hook("tokens") == Hook("hook_embed")
    assert names.source_hook("positions") == Hook("hook_pos_embed")
    assert names.source_hook("a1.h0") == Hook("blocks.1.attn.hook_result", 0)
    assert names.source_hook("m0") == Hook("blocks.0.hook_mlp_out")
    assert names.reader_hook("a1.h1<k>") == Hook("blocks.1.hook_k_input", 1)
    assert names.reader_hook("m1") == Hook("blocks.1.hook_mlp_in")
    assert names.reader_hook("logits") == Hook("blocks.1.hook_resid_post")


def test_both_embeddings_merge_into_one_input():
    assert str(merge_input(Edge("tokens", "m0"))) == "input->m0"
    assert str(merge_input(Edge("positions", "m0"))) == "input->m0"
    assert str(merge_input(Edge("a0.h0", "m0"))) == "a0.h0->m0"


@pytest.mark.parametrize(
    ("look_up", "message"),
    [
        (lambda n: n.source_index("a0.h7"), "no source is named 'a0.h7'"),
        (lambda n: n.reader_index("a0.h0"), "Did you mean .*'a0.h0<q>'"),
        (lambda n: n.node_of("m9"), "no reader is named 'm9'"),
        (lambda n: n.readers_of("m9"), "no node is named 'm9'"),
        (lambda n: n.source_hook("logits"), "no source is named 'logits'"),
        (lambda n: n.parse_edge("a0.h0 m0"), "Write it as source->reader"),
        (lambda n: n.parse_edge("m1->m0"), "'m0' reads before 'm1' is written"),
        (lambda n: n.parse_edge("a0.h0->a0.h1<v>"), "reads before"),
    ],
)
def test_unknown_names_are_refused(look_up, message):
    with pytest.raises(NameLookupError, match=message):
        look_up(Names(2, 2))


def test_transformer_without_layers_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        Names(0, 1)


def test_names_can_be_sent_to_another_process():
    names = Names(2, 2)
    assert pickle.loads(pickle.dumps(names)).edges == names.edges
