"""How far all models of a build are, with the rate and the time that is left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from compiler.errors import count
from zoo.progress import clock

Write = Callable[[str], None]
EVERY_SECONDS = 30.0
SHARES = {"train": 0.7, "train the twin": 0.2, "audit": 0.1}
"""How much of a build a stage is, roughly; only the time that is left depends on it."""


def write_line(line: str) -> None:
    """Write a line to standard error."""
    print(line, file=sys.stderr, flush=True)


@dataclass
class BuildProgress:
    """Lines of a build: each change of a stage, and every half minute the whole.

    Args:
        total: how many releases are built.
        write: writes a line.
    """

    total: int
    write: Write
    ended: int = 0
    _shares: dict[str, float] = field(default_factory=dict)
    _stages: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _begun: float = field(default_factory=time.monotonic)
    _shown: float = field(default_factory=time.monotonic)

    def tell(self, name: str, stage: str, done: int, total: int) -> None:
        """Take note of how far a release is."""
        before = 0.0
        with self._lock:
            for known, share in SHARES.items():
                if known == stage:
                    self._shares[name] = before + share * done / max(total, 1)
                before += share
            if self._stages.get(name) != stage:
                self._stages[name] = stage
                self.write(f"{name}: {stage}")
            now = time.monotonic()
            if now - self._shown >= EVERY_SECONDS:
                self._shown = now
                self.write(self.summary(now))

    def end(self, name: str, words: str) -> None:
        """Take note that a release is done, or failed."""
        with self._lock:
            self.ended += 1
            self._shares.pop(name, None)
            self._stages.pop(name, None)
            self.write(f"{name}: {words}  ({self.ended} of {self.total})")

    def summary(self, now: float) -> str:
        """Return how far everything is: what ended, what runs, rate and time left."""
        running = [
            f"{name} {stage} {100 * self._shares.get(name, 0):.0f} %"
            for name, stage in self._stages.items()
        ]
        done = self.ended + sum(self._shares.values())
        spent = now - self._begun
        line = f"{self.ended} of {count(self.total, 'release')}"
        if done > 0 and spent > 0:
            left = spent * (self.total - done) / done
            line += f", {3600 * done / spent:.1f} an hour, {clock(left)} left"
        return f"{line}; running: {', '.join(running) or 'none'}"
