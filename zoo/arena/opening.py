"""`zoo.open_arena`: a session in this process, with a method for each call."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from compiler.errors import InputError
from compiler.notation import value_to_json
from compiler.rasp.values import Value
from zoo.arena.models import make_hidden
from zoo.arena.record import ArenaHeader, ArenaLog
from zoo.arena.session import BUDGET, ArenaSession

Ask = Callable[[dict[str, Any]], dict[str, Any]]


class Arena:
    """The calls of the arena as methods; results are JSON values.

    Scripted agents take one of these. Over HTTP or a pipe, give the function that sends
    a request and returns its answer.

    Args:
        ask: takes a call as JSON values, and returns its answer.

    Raises:
        InputError: of every method: the call was refused; in the arena's own words.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.left = 0

    def __repr__(self) -> str:
        return f"<Arena: {self.left} forward passes left>"

    def call(self, name: str, **arguments: Any) -> Any:
        """Return the result of a call."""
        answer = self._ask({"call": name, **arguments})
        self.left = answer["left"]
        if "error" in answer:
            raise InputError(f"{name}: {answer['error']['message']}")
        return answer["result"]

    def info(self) -> dict[str, Any]:
        """Return shape, tokens, outputs, names, budget and limits."""
        found = self.call("info")
        return found

    def run(self, inputs: Sequence[Sequence[Value]]) -> list[list[Any]]:
        """Return the outputs at each token of each input."""
        return self.call("run", inputs=_json(inputs))["outputs"]

    def logits(self, inputs: Sequence[Sequence[Value]]) -> list[Any]:
        """Return the logits at each token of each input."""
        return self.call("logits", inputs=_json(inputs))["logits"]

    def cache(
        self, inputs: Sequence[Sequence[Value]], sources: Sequence[str] | None = None
    ) -> list[Any]:
        """Return [source][position][d_model] of each input; position 0 is BOS."""
        named = {} if sources is None else {"sources": list(sources)}
        return self.call("cache", inputs=_json(inputs), **named)["writes"]

    def patch(
        self,
        base: Sequence[Value],
        patches: Sequence[Sequence[str]],
        donor: Sequence[Value] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Return `outputs` and `logits` of one input under each patch."""
        if donor is not None:
            options["donor"] = _json(donor)
        named = [list(patch) for patch in patches]
        return self.call("patch", base=_json(base), patches=named, **options)

    def ablate(
        self, base: Sequence[Value], patches: Sequence[Sequence[str]], **options: Any
    ) -> dict[str, Any]:
        """Return `outputs` and `logits` of one input with writes removed."""
        named = [list(patch) for patch in patches]
        return self.call("ablate", base=_json(base), patches=named, **options)

    def submit(
        self,
        edges: Mapping[str, float] | None = None,
        roles: Mapping[str, str] | None = None,
        descriptions: Mapping[str, Any] | None = None,
        program: str | None = None,
    ) -> dict[str, Any]:
        """Return the verdict; it can be asked for once."""
        given = {"edges": edges, "roles": roles, "descriptions": descriptions}
        said: dict[str, Any] = {n: dict(v) for n, v in given.items() if v}
        if program is not None:
            said["program"] = program
        return self.call("submit", **said)


def _json(found: Any) -> Any:
    if isinstance(found, list | tuple):
        return [_json(item) for item in found]
    return value_to_json(found)


def open_session(
    kind: str = "compiled",
    *,
    seed: int | None = None,
    budget: int = BUDGET,
    layers: int | None = None,
    pool: str | Path | None = None,
    log: str | Path | None = None,
) -> ArenaSession:
    """Return a session; arguments as of `open_arena`."""
    seed = secrets.randbits(52) if seed is None else seed
    hidden = make_hidden(kind, seed, None if pool is None else Path(pool), layers)
    if log is None:
        return ArenaSession(hidden, budget)
    ArenaSession(hidden, budget)  # refuses a budget before a file is made
    header = ArenaHeader(kind, seed, budget, layers, hidden.origin)
    return ArenaSession(hidden, budget, ArenaLog(Path(log), header))


def open_arena(
    kind: str = "compiled",
    *,
    seed: int | None = None,
    budget: int = BUDGET,
    layers: int | None = None,
    pool: str | Path | None = None,
    log: str | Path | None = None,
) -> Arena:
    """Return a model that nobody has seen, behind calls with a budget.

    In one process nothing hides the model from code that looks for it. To test an agent
    that may do that, give it the arena over a pipe, HTTP or MCP: `zoo arena`.

    Args:
        kind: `compiled` (a random program, compiled) or `trained` (a trained release,
            disguised).
        seed: of the model; drawn at random if None.
        budget: forward passes that calls may cost.
        layers: attention layers of a compiled model, 1 to 3; any if None.
        pool: a folder of trained releases; those at hand if None.
        log: a file to write calls and answers to, for `zoo arena verify`.

    Raises:
        NameLookupError: there is no such kind.
        InputError: an argument cannot be used, or the log is there already.
    """
    session = open_session(
        kind, seed=seed, budget=budget, layers=layers, pool=pool, log=log
    )

    return play_in_process(session)


def play_in_process(session: ArenaSession) -> Arena:
    """Return the calls of a session as methods, by the same text as over a pipe."""

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        try:
            line = json.dumps(request, allow_nan=False).encode("ascii")
        except (TypeError, ValueError) as error:
            raise InputError(f"call: it is no JSON ({error})") from None
        return json.loads(json.dumps(session.answer_line(line)))

    return Arena(ask)
