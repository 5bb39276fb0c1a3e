# What the model computes. Nothing runs this file when a release is loaded

class SortText(_Rewriting):
    """The causal model of sorting: `3 1 2 = 1 2 3 EOS`.

    One head attends to the least number above the present token. Where there is none
    it attends to `=`, which it turns into EOS.

    Args:
        count: the numbers are 0 .. count - 1; none comes twice in a prompt.
        longest: the most numbers of a prompt.
    """

    name = "sort_text"
    meaning = "The numbers of the prompt in rising order: `3 1 2 = 1 2 3 EOS`."

    def __init__(self, count: int = 10, longest: int = 6) -> None:
        self.tokens, self.longest = tuple(map(str, range(count))), longest
        words = (*self.tokens, EQUALS)
        follows = HeadRule(
            name=NEXT,
            layer=0,
            values=next_values(words),
            query=("tokens",),
            key=("tokens",),
            selects=_is_greater,
            rank=lambda key: -int(key) if str(key).isdigit() else -count,
            renamed={EQUALS: EOS},
            asked=True,
        )
        super().__init__(words, (follows,), 2 * longest + 1)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the numbers of the prompt, the least one first."""
        return sorted(prompt[:-1], key=int)
