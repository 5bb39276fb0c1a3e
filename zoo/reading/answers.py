"""Answers to questions about activations, against the interpreter's.

    right    share of test questions that are answered rightly
    chance   mean over questions of 1 / (number of possible answers, all as frequent)
    gained   (right - chance) / (1 - chance)

Rows to compare with: a linear probe, fitted on the training split; the same after its
activations were permuted, and on a model with random weights; the commonest answer of
the same question in the training split, which is what the text gives away.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.grid import align
from compiler.machine.transformer import Transformer
from compiler.machine.weights import init
from compiler.rasp.values import show
from zoo.alignment.figures import rate_to_json
from zoo.alignment.places import find_place
from zoo.auditing.certificate import Rate, rate
from zoo.reading.questions import Question, QuestionSet
from zoo.reading.wording import NO, YES
from zoo.steering.task import hold_of

RIDGE = 1e-3
VERSION = 1
ActivationsBySite = Mapping[str, Float[np.ndarray, "input ctx d_model"]]


@dataclass(frozen=True)
class AnswerFigures:
    """How many answers are right; see the module."""

    right: Rate
    chance: float

    @property
    def gained(self) -> float:
        """0 for chance, 1 if all are right."""
        return (self.right.share - self.chance) / (1 - self.chance)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "right": rate_to_json(self.right),
            "chance": self.chance,
            "gained": self.gained,
        }


@dataclass(frozen=True)
class AnswersReport:
    """What answers are worth.

    Attributes:
        model: its name.
        questions: number of test questions.
        rows: figures by who answers, and by whether the site holds the variable:
            `held`, `not held`, `all`.
        first_wrong: the first question with a wrong answer: its text, the right answer
            and the given one; None if all are right.
    """

    model: str
    questions: int
    rows: Mapping[str, Mapping[str, AnswerFigures]]
    first_wrong: tuple[str, str, str] | None

    def __repr__(self) -> str:
        first = next(iter(self.rows))
        gained = self.rows[first]["all"].gained
        return f"<AnswersReport {self.model}: {first} gained {gained:.3f}>"

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The report as a table of text."""
        sides = list(next(iter(self.rows.values())))
        header = ["", *(f"{side}: right" for side in sides), "gained"]
        rows = [
            [
                name,
                *(f"{found[side].right.share:.3f}" for side in sides),
                f"{found['all'].gained:.3f}",
            ]
            for name, found in self.rows.items()
        ]
        chance = next(iter(self.rows.values()))["all"].chance
        head = f"{self.model}: {self.questions} test questions, chance {chance:.3f}"
        return "\n".join([head, "", *align([header, *rows])])

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "format": "circuitzoo.answers",
            "format_version": VERSION,
            "model": self.model,
            "questions": self.questions,
            "rows": {
                name: {side: f.to_json() for side, f in found.items()}
                for name, found in self.rows.items()
            },
            "first_wrong": self.first_wrong,
        }


def score_answers(
    asked: QuestionSet,
    answers: Sequence[str] | Callable[[Any, str], str] | None = None,
    *,
    baselines: bool = True,
) -> AnswersReport:
    """Return how many answers to the test questions are right, beside the baselines.

    Args:
        asked: the questions.
        answers: one for each question of `asked.split("test")`; or a function of an
            activation [d_model] and a question in words; None for the baselines alone.
        baselines: whether the probe and its controls answer too.

    Raises:
        InputError: there are more or fewer answers than test questions.
    """
    test = asked.split("test")
    every: dict[str, Sequence[str]] = {}
    if answers is not None:
        every["claimed"] = _given(asked, test, answers)
    every["oracle"] = [q.answer for q in test]
    every["text alone"] = text_answers(asked)
    if baselines:
        every["probe"] = probe_answers(asked, asked.held)
        every["shuffled"] = probe_answers(asked, _shuffled(asked))
        every["untrained"] = probe_answers(asked, _untrained(asked))
    rows = {name: _figures(test, found) for name, found in every.items()}
    wrong = [
        (q.text, q.answer, said)
        for q, said in zip(test, next(iter(every.values())), strict=True)
        if said != q.answer
    ]
    return AnswersReport(asked.name, len(test), rows, wrong[0] if wrong else None)


def _given(
    asked: QuestionSet,
    test: Sequence[Question],
    answers: Sequence[str] | Callable[[Any, str], str],
) -> list[str]:
    if callable(answers):
        return [str(answers(asked.activation(q), q.text)).strip() for q in test]
    if isinstance(answers, str) or len(answers) != len(test):
        found = "a string" if isinstance(answers, str) else f"{len(answers)} answers"
        raise InputError(
            f"answers: found {found}, expected {len(test)}, one for each test "
            "question. Answer the questions of split('test') in their order"
        )
    return [str(answer).strip() for answer in answers]


def _figures(test: Sequence[Question], said: Sequence[str]) -> dict[str, AnswerFigures]:
    right = np.array([q.answer == a for q, a in zip(test, said, strict=True)])
    chance = np.array([1 / q.choices for q in test])
    held = np.array([q.held for q in test])
    sides = {"held": held, "not held": ~held, "all": np.ones(len(test), bool)}
    return {
        side: AnswerFigures(
            rate(int(right[which].sum()), int(which.sum())),
            float(chance[which].mean()) if which.any() else 0.0,
        )
        for side, which in sides.items()
    }


def text_answers(asked: QuestionSet) -> list[str]:
    """Return to each test question the commonest answer to it in the training split."""
    seen: dict[Any, Counter[str]] = defaultdict(Counter)
    for q in asked.split("train"):
        seen[_key(q)][q.answer] += 1
    most = {key: counts.most_common(1)[0][0] for key, counts in seen.items()}
    return [most.get(_key(q), NO) for q in asked.split("test")]


def _key(question: Question) -> tuple[str, str, str, int]:
    q = question
    return q.site, q.variable, q.asks, q.operand


def probe_answers(asked: QuestionSet, held: ActivationsBySite) -> list[str]:
    """Return the answers of a ridge regression from the activations to the answers.

    It is fitted on all tokens of the training inputs, one for each site and question,
    and answers what scores highest.

    Args:
        asked: the questions.
        held: by site, the activations.
    """
    fitted: dict[Any, tuple[np.ndarray, np.ndarray, list[str]]] = {}
    answers = []
    for q in asked.split("test"):
        if _key(q) not in fitted:
            fitted[_key(q)] = _fit(asked, held[q.site], q)
        middle, weights, names = fitted[_key(q)]
        scores = np.append(held[q.site][q.row, q.position + 1] - middle, 1.0) @ weights
        answers.append(names[int(scores.argmax())])
    return answers


def _fit(
    asked: QuestionSet, held: Float[np.ndarray, "input ctx d_model"], question: Question
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return (mean activation, weights [d_model + 1, answer], names of answers).

    Tokens weigh so that each answer has the same weight, as in the questions.
    """
    values = asked.inputs.held(question.variable)
    live = (values >= 0) & asked.known[:, None]
    labels, names = _labels(asked, question, values[live])
    used = labels >= 0
    x, labels = held[live][used].astype(np.float64), labels[used]
    middle = x.mean(axis=0)
    goal = np.eye(len(names))[labels]
    share = np.maximum(goal.mean(axis=0), 1e-12)
    weight = 1.0 / (share[labels] * len(names) * len(labels))
    one = np.concatenate([x - middle, np.ones((len(x), 1))], axis=1)
    spread = (one * weight[:, None]).T @ one
    price = RIDGE * max(np.trace(spread[:-1, :-1]) / max(len(spread) - 1, 1), 1e-30)
    damped = spread + price * np.diag([1.0] * (len(spread) - 1) + [1e-9])
    return middle, np.linalg.solve(damped, (one * weight[:, None]).T @ goal), names


def _labels(
    asked: QuestionSet, question: Question, values: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Return which answer is right at each token, -1 for none, and the answers."""
    domain = asked.inputs.domains[question.variable]
    if question.asks == "value":
        names = [show(v) for v in domain]
        asked_of = {q.answer for q in asked.every if _key(q) == _key(question)}
        kept = [i for i, name in enumerate(names) if name in asked_of]
        place = np.full(len(domain), -1)
        place[kept] = np.arange(len(kept))
        return place[values], [names[i] for i in kept]
    if question.asks == "equals":
        yes = values == question.operand
    else:
        numbers = np.array([float(v) for v in domain])  # pyright: ignore
        yes = numbers[values] > numbers[question.operand]
    return yes.astype(int), [NO, YES]


def _shuffled(asked: QuestionSet) -> ActivationsBySite:
    """Return the activations of all tokens, permuted within each site."""
    rng = np.random.default_rng([*b"shuffled", asked.seed])
    live, found = asked.inputs.live, {}
    for site, held in asked.held.items():
        found[site] = held.copy()
        found[site][live] = rng.permutation(held[live])
    return found


def _untrained(asked: QuestionSet) -> ActivationsBySite:
    config = asked.model.config
    blank = Transformer(config, init(config, asked.seed))
    return {
        site: hold_of(blank, find_place(config, site), asked.inputs.ids)
        for site in asked.held
    }
