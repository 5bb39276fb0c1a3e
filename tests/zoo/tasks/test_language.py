"""Every language task against plain Python, and the laws that all of them obey."""

import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from tests.zoo.tasks.check import (
    check_inputs,
    check_laws,
    check_reference,
    clean,
    draw_overrides,
    run_all,
    words,
)
from tests.zoo.tasks.references import NO, REFERENCES, ngram
from zoo.causal.by_hand import describe, facts_of
from zoo.causal.model import Selecting
from zoo.tasks.language import NEXT, LanguageTask, next_values
from zoo.tasks.rewriting import CopyText
from zoo.tasks.rules import HeadRule, MlpRule
from zoo.training.recipe_file import chosen_recipe

TASKS = {
    name: task
    for name, task in zoo.tasks.all_tasks().items()
    if isinstance(task, LanguageTask)
}
DOCS = Path(__file__).parents[3] / "docs"
ROWS = 32
"""Every call has as many inputs: jax compiles a task once."""


@pytest.fixture(scope="module", params=sorted(TASKS))
def task(request) -> LanguageTask:
    return TASKS[request.param]


@pytest.fixture(scope="module")
def ids(task) -> np.ndarray:
    found = task.inputs(600, 0)[0]
    return found[np.linspace(0, len(found) - 1, ROWS).astype(int)]


def whole_answer(task, prompt):
    return [*task.answer(prompt), *(["EOS"] if task.ends else [])]


def reference(task):
    """Return the plain-Python definition of all variables, as indices of values.

    An MLP has no value where something that it reads has none. A head that moves what
    is no value of its variable has none either.
    """
    rules = {**REFERENCES, "ngram": ngram(getattr(task, "table", None))}[task.name]

    def run(tokens, given):
        text, known, found = ["BOS", *tokens], {}, []
        start = task.prompt_length(tokens)
        for rule, about, chosen in zip(rules, task.rules, given, strict=True):
            values = list(about.values)
            spelled = [repr(value) for value in values]
            row = known[about.name] = [NO]
            for i, override in enumerate(chosen, 1):
                reads = [
                    known[name][i]
                    for name in getattr(about, "reads", ())
                    if name != "tokens"
                ]
                if override != -2:
                    row.append(values[override])
                elif (about.asked and i < start) or NO in reads:
                    row.append(NO)
                else:
                    value = rule(text, i, known)
                    row.append(value if repr(value) in spelled else NO)
            found.append([-1 if x is NO else spelled.index(repr(x)) for x in row[1:]])
        return found

    return run


def test_there_are_enough_and_each_has_a_reference():
    assert len(TASKS) >= 14
    assert set(TASKS) == {*REFERENCES, "ngram"}


def test_it_is_the_reference_under_random_overrides(task, ids):
    check_reference(task, ids, draw_overrides(task, ids, 1), reference(task))


def test_the_laws_of_a_causal_model_hold(task, ids):
    check_laws(task, ids)
    assert describe(task).name == task.name
    assert isinstance(task, Selecting) and task.causal


def test_the_output_is_the_answer_word_by_word(task, ids):
    overrides = np.repeat(clean(task)[None], len(ids), axis=0)
    said = run_all(task, ids, overrides)[:, -1]
    lengths = task.prompt_lengths(ids)
    for row, length, found in zip(ids, lengths, said, strict=True):
        text = words(task, row)
        prompt = text[:length]
        answer = whole_answer(task, prompt)
        assert text == [*prompt, *answer[:-1]]
        expected = [task.readout.values.index(word) for word in answer]
        assert found[length : len(text) + 1].tolist() == expected
        assert (found[:length] == -1).all() and (found[len(text) + 1 :] == -1).all()


def test_a_task_of_the_zoo_teaches_attention(task):
    assert chosen_recipe(None, task.name).attending > 0


def test_classes_of_the_output_are_token_ids(task):
    assert (
        task.values[task.output] == task.readout.values == (*task.vocab, "BOS", "PAD")
    )
    assert task.readout.values[task.bos_id] == "BOS"
    assert task.readout.values[task.pad_id] == "PAD"
    assert len(task.readout.values) == task.d_vocab


def test_inputs_are_texts_of_the_task(task):
    check_inputs(task, 600)
    kinds = task.kinds()
    for kind in kinds:
        prompts = [
            tuple(kind.make(n)) for n in range(0, kind.count, 1 + kind.count // 300)
        ]
        assert len(set(prompts)) == len(prompts)
        assert all(task.prompt_length(prompt) == len(prompt) for prompt in prompts)
        assert max(len(task.text(prompt)) for prompt in prompts) < task.n_ctx
    longest = max(
        len(task.text(kind.make(n))) for kind in kinds for n in (0, kind.count - 1)
    )
    assert longest == task.n_ctx - 1 or task.name in ("ngram", "successor")


def test_small_limits_are_kept_and_large_ones_give_everything(task):
    total = sum(kind.count for kind in task.kinds())
    assert not task.inputs(40, 3)[1] and len(task.inputs(40, 3)[0]) <= 40
    if total < 3000:
        ids, complete = task.inputs(total, 0)
        assert complete and len(np.unique(ids, axis=0)) == total


def test_what_keys_are_compared_by_is_known_at_every_position(task, ids):
    """A key without a value could be selected or not, and no label would say so."""
    read = {p.source for v in task.variables for p in v.parents if p.slot == "k"}
    overrides = np.repeat(clean(task)[None], len(ids), axis=0)
    values = run_all(task, ids, overrides)
    live = (ids != task.pad_id) & (np.arange(task.n_ctx) > 0)
    for row, variable in enumerate(task.variables):
        if variable.name in read:
            assert (values[:, row] >= 0)[live].all()


def test_heads_select_keys_that_hold_what_they_move(task, ids):
    overrides = np.repeat(clean(task)[None], len(ids), axis=0)
    values = run_all(task, ids, overrides)
    selected = np.asarray(jax.jit(jax.vmap(task.selected))(ids))
    rows = {rule.name: row for row, rule in enumerate(task.rules)}
    for row, rule in enumerate(task.rules):
        keys, value = selected[:, row], values[:, row]
        assert not np.triu(keys, 1).any()
        assert not keys[(ids == task.pad_id)].any()
        if task.variables[row].kind == "mlp":
            assert not keys.any()
            continue
        assert (keys.any(axis=2) == (value >= 0)).all()
        if not isinstance(rule, HeadRule) or rule.moves is None:
            continue
        tokens = [*task.vocab, "BOS", "PAD"]
        of_tokens = rule.moves == "tokens"
        source = ids if of_tokens else values[:, rows[rule.moves]]
        names = tokens if of_tokens else task.values[rule.moves]
        for example, query, key in np.argwhere(keys)[::7]:
            held = source[example, key]
            moved = NO if held < 0 else names[held]
            moved = rule.renamed.get(moved, moved)
            said = rule.values[value[example, query]]
            assert said == moved or (key == 0 and said == rule.default)


def test_the_examples_in_what_it_says_of_itself_are_right(task):
    shown = re.findall(r"`([^`]* EOS)`", task.meaning)
    for example in shown:
        text = example.split()[:-1]
        small = type(task)(width=2) if "width" in vars(task) else task
        prompt = text[: small.prompt_length(text)]
        assert small.text(prompt) == text
    assert shown or not task.ends or task.name == "ngram"


def test_a_saved_model_shows_the_rules_of_its_task():
    task = TASKS["two_lookups"]
    assert facts_of(task)["source"].startswith("class TwoLookups(LanguageTask):")


def test_a_word_that_is_listed_twice_is_refused():
    with pytest.raises(InputError, match="copy_text: a word is listed twice"):
        CopyText("aab")


def rows_of(task):
    """Return the table of a task in docs/tasks.md, line by line."""
    total = sum(kind.count for kind in task.kinds())
    yield f"{len(task.vocab)} tokens, up to {task.n_ctx - 1} long; {total:,} inputs."
    yield ""
    yield "| variable | values | computed by | reads |"
    yield "|:--|--:|:--|:--|"
    for variable in task.variables:
        kind = "head" if variable.kind == "head" else "MLP"
        reads = ", ".join(f"{p.slot}: {p.source}" for p in variable.parents)
        where = f"{kind}, layer {variable.layer}"
        yield f"| `{variable.name}` | {variable.size} | {where} | {reads} |"


def test_the_page_of_tasks_has_what_they_are(task):
    page = (DOCS / "tasks.md").read_text()
    assert f"## {task.name}\n" in page
    assert "\n".join(rows_of(task)) in page


def test_the_example_of_the_page_is_a_task():
    page = (DOCS / "causal_models.md").read_text()
    block = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[-1]
    scope: dict[str, Any] = {"__name__": "page"}
    exec(block, scope)
    example = scope["NextUp"]()
    ids = example.inputs(ROWS, 0)[0]
    overrides = np.repeat(clean(example)[None], len(ids), axis=0)
    said = run_all(example, ids, overrides)[:, -1, 5]
    greatest = np.array([max(row[1:5]) for row in ids])
    assert (said == greatest + 1).all()
    check_laws(example, ids)
    assert "`2 5 3 =` goes on with `6`" in example.meaning


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"reads": ("later",)},
            "'next_token': it reads 'later', which is neither",
        ),
        ({"computes": lambda token: 1}, "rule 'next_token': it gives 1, which is not"),
    ],
)
def test_a_rule_that_cannot_be_run_is_refused(changed, message):
    given = {"reads": ("tokens",), "computes": lambda token: "a", **changed}
    rule = MlpRule(name=NEXT, layer=0, values=next_values("ab"), **given)
    with pytest.raises(InputError, match=message):
        LanguageTask("ab", (rule,), 3)
