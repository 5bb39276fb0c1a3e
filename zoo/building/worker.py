"""A process that builds one release: `python -m zoo.building.worker PLAN SHELF RUNS`.

It writes one JSON object a line: how far it is, and why it failed if it did. The
release is put on the shelf whole, or not at all.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.errors import ZooError
from zoo.building.plan import BuildPlan

EVERY_SECONDS = 1.0
"""How often a stage is told of, at most."""


def main(arguments: list[str]) -> int:
    """Build the release of a plan; return 0, or 1 if that cannot be done."""
    plan, shelf, runs = BuildPlan.from_json(arguments[0]), *map(Path, arguments[1:])
    from zoo.threads import use_one_thread

    use_one_thread()
    from zoo.release.shelf import add

    teller = Teller(lambda said: print(json.dumps(said), flush=True))
    try:
        files = teller.build(plan, runs)
        add(shelf, plan.name, plan.version, files)
    except ZooError as error:
        print(json.dumps({"failed": str(error)}), flush=True)
        return 1
    return 0


class Teller:
    """Tells how far a build is, a stage at most once a second.

    Args:
        say: is called with `{"stage", "done", "total"}`.
    """

    def __init__(self, say: Any) -> None:
        self.say, self._last, self._at = say, "", 0.0

    def build(self, plan: BuildPlan, runs: Path) -> Mapping[str, bytes]:
        """Return the files of a release, and tell of its stages."""
        from zoo.building.steps import build_files

        return build_files(plan, runs, self.tell)

    def tell(self, stage: str, done: int, total: int) -> None:
        """Say how much of a stage is done, unless that was said just now."""
        now = time.monotonic()
        if stage != self._last or now - self._at >= EVERY_SECONDS:
            self._last, self._at = stage, now
            self.say({"stage": stage, "done": done, "total": total})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
