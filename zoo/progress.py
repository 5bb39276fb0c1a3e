"""How far a long task is: a bar on terminals and in notebooks, lines elsewhere.

In notebooks the bar needs ipywidgets; without it there are lines, too.

A task calls `show(done, total)`. What is written goes to standard error, so that the
output of a command can be piped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

Show = Callable[[int, int], None]
EVERY_SECONDS = 10.0
FIRST_AFTER_SECONDS = 2.0


@contextmanager
def show_progress(
    words: str, unit: str = "", wanted: bool | Show = True, *, bytes: bool = False
) -> Iterator[Show]:
    """Yield a function that shows (done, total).

    Args:
        words: what is done, in front of the bar.
        unit: what is counted, `steps` or `pairs`.
        wanted: False shows nothing; a function is called instead of showing anything.
        bytes: whether bytes are counted; then nothing is shown outside terminals.
    """
    if callable(wanted):
        yield wanted
    elif not wanted:
        yield lambda done, total: None
    elif sys.stderr.isatty() or (in_notebook() and has_widgets()):
        with _bar(words, unit, bytes) as show:
            yield show
    elif bytes:
        yield lambda done, total: None
    else:
        yield _lines(words, unit)


def in_notebook() -> bool:
    """Return whether this runs in a notebook, where rich draws its bars as HTML."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def has_widgets() -> bool:
    """Return whether ipywidgets is installed: rich draws no bar in a notebook without.

    It warns instead at every bar, and the warning is kept in the notebook.
    """
    return find_spec("ipywidgets") is not None


@contextmanager
def _bar(words: str, unit: str, bytes: bool) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        """Units a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{_figure(speed)} {unit}/s")

    counts: tuple[ProgressColumn, ...] = (MofNCompleteColumn(), Speed())
    if bytes:
        counts = (DownloadColumn(), TransferSpeedColumn())
    title = TextColumn("{task.description}", markup=False)
    console = Console(stderr=not in_notebook())
    with Progress(
        title,
        BarColumn(),
        *counts,
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(words: str, unit: str) -> Show:
    """Return a function that writes a line every so often."""
    shown = time.monotonic()
    last: int | None = None  # what was done at the line before

    def show(done: int, total: int) -> None:
        nonlocal shown, last
        now = time.monotonic()
        wait = FIRST_AFTER_SECONDS if last is None else EVERY_SECONDS
        if now - shown < wait or done >= total:
            return
        # The first line comes without a speed: until then functions are compiled.
        speed = 0.0 if last is None else (done - last) / (now - shown)
        shown, last = now, done
        more = ""
        if speed > 0:
            left = clock((total - done) / speed)
            more = f", {_figure(speed)} {unit}/s, {left} left"
        named = f" {unit}" if unit else ""
        line = f"{words}: {done:,} of {total:,}{named}{more}"
        print(line, file=sys.stderr, flush=True)

    return show


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
