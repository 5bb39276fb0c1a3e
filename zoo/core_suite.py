"""The 20 releases of the suite `core`, which a wheel carries.

They were chosen to differ: circuits of one node to seven, two and three layers,
sorting, counting, brackets, automata, n-grams and a task of words; four of them have
the architecture of GPT-2, Llama, Qwen2 or BERT. `setup.py` reads this file before
anything is installed, so it imports nothing.
"""

CORE = (
    "bigram-gpt2",
    "detect-pattern-siit",
    "ends-with-bert",
    "even-pairs-siit",
    "fraction-previous-siit",
    "histogram-siit",
    "indirect-object-identification-siit",
    "induction-siit",
    "is-palindrome-siit",
    "maximum-siit",
    "median-siit",
    "minimum-qwen2",
    "most-frequent-siit",
    "paren-depth-siit",
    "rank-siit",
    "reverse-siit",
    "run-length-siit",
    "sort-llama",
    "sort-siit",
    "unique-tokens-siit",
)
