import pytest

import zoo
from compiler.errors import InputError, NameLookupError

ROUTED = "shift_or_reverse_by_parity"


@pytest.fixture(scope="module")
def model():
    return zoo.compile(ROUTED, "abc", 4)


@pytest.fixture(scope="module")
def by_class(model):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.cases.case.AUDIT_PAIRS", 512)
        return {name: zoo.open_case(model, within=name) for name in ("true", "false")}


def used(truth):
    return {str(e) for e, known in truth.known.items() if known.status == "used"}


def test_each_class_uses_its_own_head_and_shares_the_rest(by_class):
    even, odd = used(by_class["true"].truth), used(by_class["false"].truth)
    assert "a1.h0->m1" in even - odd and "a1.h1->m1" in odd - even
    assert "m1->logits" in even & odd


def test_pairs_of_a_class_are_of_that_class(by_class):
    for name, case in by_class.items():
        pad, rows = case.config.pad_id, [case.pairs.clean, case.pairs.corrupt]
        lengths = {int((row != pad).sum()) - 1 for both in rows for row in both}
        assert {length % 2 == 0 for length in lengths} == {name == "true"}


def test_used_on_an_input_is_what_some_donor_changes(model):
    tokens = ["a", "b", "c"]
    found = zoo.truth(model, tokens, donors=24)
    base = model(tokens)
    for edge, known in found.known.items():
        if known.witness is None:
            continue
        assert list(known.witness["base"]) == tokens
        assert list(known.witness["before"]) == base
        assert known.witness["after"] != known.witness["before"], edge


def test_odd_inputs_use_what_their_class_uses(by_class):
    odd = used(by_class["false"].truth)
    for tokens in ("abc", "bca", "bbb"):
        assert used(zoo.truth(by_class["false"], list(tokens), donors=24)) <= odd


def test_unknown_classes_are_refused():
    with pytest.raises(NameLookupError, match="no class of inputs is named 'maybe'"):
        zoo.open_case(f"{ROUTED}:maybe")
    with pytest.raises(InputError, match="reverse does not divide its inputs"):
        zoo.open_case("reverse", within="true")


def test_input_outside_the_task_has_no_truth():
    with pytest.raises(InputError, match="is not for the input"):
        zoo.truth("reverse+histogram", ["a", "b"])


def test_a_ranking_by_what_an_input_uses_is_perfect_on_that_input(by_class):
    case = by_class["false"]

    def exact(tokens):
        known = zoo.truth(case, list(tokens), donors=24).known
        return dict.fromkeys(case.edges, 0.0) | {
            str(edge): k.effect for edge, k in known.items()
        }

    report = zoo.score_by_input(case, exact, inputs=["abc", "bca"], donors=24)
    assert report.auroc == report.average_precision == 1.0
    assert all(0 < row.used < report.edges for row in report.inputs)
