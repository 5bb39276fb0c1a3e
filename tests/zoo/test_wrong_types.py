"""Values of a wrong type, given to the functions of `zoo`, are told in a sentence.

The type checker of the tests would refuse them first, so that they are given in a
process of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CALLS = {
    "zoo.audit(5)": "found int, expected a model: the name of a release or a program",
    "zoo.audit([])": "found list, expected a model",
    "zoo.components(None)": "found NoneType, expected a model",
    "zoo.load('a' * 5000)": "no release is named 'aaaa",
    "zoo.card('a' * 300)": "no release is named 'aaaa",
    "zoo.open_trojan(None)": "no program with a trojan is named None. A name is a str",
    "zoo.open_trojan(TROJAN, seed=-1)": "seed is -1; give an integer of at least 0",
    "zoo.open_trojan(TROJAN, seed=0.5)": "seed is 0.5; give an integer of at least 0",
    "zoo.score_trojan(pair, which='1')": "which is '1'; the models of a pair are 0 and",
    "zoo.score_trojan(pair, trigger=5)": "trigger is a int ('int' object is not iter",
    "zoo.score_trojan(pair, trigger=[5])": "trigger is a list ('int' object is not it",
    "zoo.score_trojan(pair, trigger={'a': 1})": "trigger is a dict (a dictionary is no",
}
ASK = """
import json
import zoo
TROJAN = "histogram_with_trojan"
pair = zoo.open_trojan(TROJAN, "abc", 3)
found = []
for call in [{calls}]:
    try:
        found.append("no error: " + repr(call()))
    except ValueError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def test_wrong_types_are_told() -> None:
    calls = ", ".join(f"lambda: {call}" for call in CALLS)
    done = subprocess.run(
        [sys.executable, "-c", ASK.replace("{calls}", calls)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for (call, expected), said in zip(CALLS.items(), found, strict=True):
        assert said.startswith(expected), f"{call}: {said}"
