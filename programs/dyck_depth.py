"""The languages D_3 to D_12: balanced brackets, so many deep at most.

D_2 is `dyck1_bounded_depth`. Studies of which regular languages transformers learn take
all of them: Bhattamishra et al. 2020 ("On the Ability and Limitations of Transformers
to Recognize Formal Languages") and those that decompile trained models.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from compiler.rasp import Program
from programs.dyck import dyck1_bounded_depth


def of_depth(k: int) -> Program:
    """Return the program that accepts balanced prefixes, at most `k` deep."""
    deepest = "(" * k + ")" * k
    balanced = (False,) * (2 * k - 1) + (True,)
    return replace(
        dyck1_bounded_depth,
        name=f"dyck1_depth_{k}",
        meaning=f"Whether the prefix is balanced, at most {k} deep.",
        max_len=2 * k + 2,
        example=(tuple(deepest), balanced),
        parameters=MappingProxyType({"k": k}),
    )


dyck1_depth_3 = of_depth(3)
dyck1_depth_4 = of_depth(4)
dyck1_depth_5 = of_depth(5)
dyck1_depth_6 = of_depth(6)
dyck1_depth_7 = of_depth(7)
dyck1_depth_8 = of_depth(8)
dyck1_depth_9 = of_depth(9)
dyck1_depth_10 = of_depth(10)
dyck1_depth_11 = of_depth(11)
dyck1_depth_12 = of_depth(12)
