"""What is known of every task before its module is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskSummary:
    """What is known of a task before its module is imported.

    Attributes:
        name: the task's.
        module: the module of this package that it is in.
        class_name: its class there.
        meaning: one sentence.
        tokens: how many tokens its vocabulary has.
        max_len: the greatest number of tokens of an input.
    """

    name: str
    module: str
    class_name: str
    meaning: str
    tokens: int
    max_len: int


SUMMARIES = (
    TaskSummary(
        name="greater_than",
        module="greater_than",
        class_name="GreaterThan",
        meaning="In which years something can have ended, at the end of a sentence.",
        tokens=71,
        max_len=15,
    ),
    TaskSummary(
        name="induction_heads",
        module="induction",
        class_name="InductionHeads",
        meaning="In a block of random tokens that is repeated, the token that comes "
        "next.",
        tokens=10,
        max_len=12,
    ),
    TaskSummary(
        name="copy_text",
        module="rewriting",
        class_name="CopyText",
        meaning="The prompt once more, token by token: `c a d = c a d EOS`.",
        tokens=10,
        max_len=13,
    ),
    TaskSummary(
        name="reverse_text",
        module="rewriting",
        class_name="ReverseText",
        meaning="The prompt from its end to its start: `c a d = d a c EOS`.",
        tokens=10,
        max_len=13,
    ),
    TaskSummary(
        name="sort_text",
        module="rewriting",
        class_name="SortText",
        meaning="The numbers of the prompt in rising order: `3 1 2 = 1 2 3 EOS`.",
        tokens=12,
        max_len=13,
    ),
    TaskSummary(
        name="addition",
        module="arithmetic",
        class_name="Addition",
        meaning="The sum of two numbers, least digit first: `7 9 + 5 4 = 2 4 1 EOS`.",
        tokens=13,
        max_len=12,
    ),
    TaskSummary(
        name="addition_scratchpad",
        module="arithmetic",
        class_name="AdditionScratchpad",
        meaning="The sum of columns, with carries: `7 5 9 4 = 2 c1 4 c1 EOS`.",
        tokens=14,
        max_len=13,
    ),
    TaskSummary(
        name="multiplication",
        module="arithmetic",
        class_name="Multiplication",
        meaning="A digit times a number, in base 5: `x3 times 3 1 = 4 4 0 EOS`.",
        tokens=11,
        max_len=12,
    ),
    TaskSummary(
        name="modular_addition_text",
        module="modular",
        class_name="ModularAddition",
        meaning="The sum of three numbers modulo 12: `7 + 5 + 3 =` goes on with `3`.",
        tokens=14,
        max_len=6,
    ),
    TaskSummary(
        name="parity_scratchpad",
        module="modular",
        class_name="ParityScratchpad",
        meaning="Whether the ones so far are odd: `1 0 1 = odd odd even EOS`.",
        tokens=6,
        max_len=19,
    ),
    TaskSummary(
        name="dyck_completion",
        module="brackets",
        class_name="DyckCompletion",
        meaning="The brackets that close those left open: `( ( ) ( = ) ) EOS`.",
        tokens=4,
        max_len=21,
    ),
    TaskSummary(
        name="two_lookups",
        module="recall",
        class_name="TwoLookups",
        meaning="The values of two keys: `a 3 b 5 c 1 b a = 5 3 EOS`.",
        tokens=14,
        max_len=13,
    ),
    TaskSummary(
        name="k_hop",
        module="recall",
        class_name="KHop",
        meaning="Where three hops lead to: `a d , c b , d c , b a ? a = b EOS`.",
        tokens=10,
        max_len=15,
    ),
    TaskSummary(
        name="argument_recall",
        module="recall",
        class_name="ArgumentRecall",
        meaning="Every argument: `def load ( size , mode ) : param size param mode "
        "EOS`.",
        tokens=17,
        max_len=20,
    ),
    TaskSummary(
        name="induction_text",
        module="sentences",
        class_name="InductionText",
        meaning="The last name that came after a first name: `.. mila` -> `stone`.",
        tokens=34,
        max_len=12,
    ),
    TaskSummary(
        name="indirect_object_text",
        module="sentences",
        class_name="IndirectObjectText",
        meaning="Who was given it: `.. ada and ben .. ben gave a key to` -> `ada`.",
        tokens=35,
        max_len=12,
    ),
    TaskSummary(
        name="fact_or_context",
        module="sentences",
        class_name="FactOrContext",
        meaning="A capital, as it is known or as the prompt tells it, as a cue says.",
        tokens=18,
        max_len=12,
    ),
    TaskSummary(
        name="successor",
        module="sequences",
        class_name="Successor",
        meaning="Months, days or numbers: `say from two to four : two three four EOS`.",
        tokens=37,
        max_len=12,
    ),
    TaskSummary(
        name="ngram",
        module="sequences",
        class_name="Ngram",
        meaning="What follows two letters in a learnt table, which two words choose.",
        tokens=14,
        max_len=12,
    ),
)
