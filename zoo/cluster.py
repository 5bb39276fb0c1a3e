"""Work given to the workers of a Dask cluster (dask.distributed), piece by piece.

`zoo build`, `zoo evaluate`, `zoo leaderboard` and `zoo submit` use it for
`--scheduler`. What a worker returns is put in place by the machine that asked. When a
worker dies, Dask gives its piece to another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from compiler.errors import InputError, ZooError
from compiler.sealed import digest

WAIT = 20
"""Seconds in which a scheduler must answer."""
TOPIC = "circuitzoo"


def run_on_cluster(
    address: str,
    run: Callable[..., Any],
    pieces: Mapping[str, tuple[Any, ...]],
    hear: Callable[[Mapping[str, Any]], None] | None = None,
) -> Iterator[tuple[str, Any, str]]:
    """Yield (name, what came of it, why it failed or "") of each piece, as they end.

    Args:
        address: of the scheduler, `tcp://HOST:PORT`.
        run: is called on a worker; a plain function of a module.
        pieces: arguments of `run` by the name of a piece.
        hear: called with what `run` says by `say`.

    Raises:
        InputError: dask.distributed is not installed, or no scheduler answers.
    """
    client = connect(address)
    from distributed import as_completed

    with client:
        if hear is not None:
            listen = hear
            client.subscribe_topic(TOPIC, lambda event: listen(event[1]))
        asked = {
            client.submit(run, *given, key=_key(run, name, given)): name
            for name, given in pieces.items()
        }
        for future in as_completed(asked):
            found, failure = None, ""
            try:
                found = future.result()
            except ZooError as error:
                failure = str(error)
            except Exception as error:  # a worker that is gone, or of another version
                failure = first_line(error)
            yield asked[future], found, failure
            future.release()


def say(**said: Any) -> None:
    """Tell the machine that asked something, from a worker."""
    from distributed import get_worker

    get_worker().log_event(TOPIC, said)


def first_line(error: Exception) -> str:
    """Return what kind of error it is, and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _key(run: Callable[..., Any], name: str, given: tuple[Any, ...]) -> str:
    """Return the name of a task: other arguments are another task."""
    return f"{run.__name__}-{name}-{digest(repr(given).encode())[:16]}"


def connect(address: str) -> Any:
    """Return a client of a scheduler.

    Raises:
        InputError: dask.distributed is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--scheduler needs dask.distributed. Install circuitzoo[dask]"
        ) from None
    try:
        return Client(address, timeout=WAIT)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there "
            f"({first_line(error)}). Start one with `dask scheduler`, "
            "and workers with `dask worker ADDRESS --nthreads 1`"
        ) from None
