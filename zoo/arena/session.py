"""One session: a hidden model, a budget, a log, and at most one submission.

Every way in (JSON lines, HTTP, MCP, Python) asks `ArenaSession.answer`, one call at a
time. What it returns is all that an agent ever sees: JSON values of the call's own
result, or an error in words about what the agent sent. Nothing that an agent sends is
run as code; programs are RASP text, which the interpreter evaluates within bounds.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from compiler.errors import InputError, ZooError, count
from compiler.lower.readout import decode_logits
from compiler.notation import LocatedJson, value_to_json
from compiler.rasp.values import show, show_many
from zoo.annotation.roles import ROLES
from zoo.arena import calls as c
from zoo.arena.execution import PatchedMachine
from zoo.arena.judging import ArenaJudge
from zoo.arena.models import HiddenModel
from zoo.arena.record import ArenaLog

FORMAT, VERSION = "circuitzoo.arena", 1
BUDGET = 2_000
MOST_BUDGET = 1_000_000
MOST_CALLS = 100_000
"""Calls of a session, those that are refused included."""
MOST_REFUSED = 20
"""Submissions that may be refused; each of them costs the arena time."""
DIGITS = 6
"""Significant digits of the numbers in answers."""
MEANS = 64
"""Inputs of the arena's own that mean ablations are taken over."""


class ArenaSession:
    """A hidden model behind calls.

    Args:
        hidden: the model.
        budget: how many forward passes calls may cost.
        log: where calls and answers are kept; None keeps none.
        judge: what has judged other sessions of the same model, to save its work.
    """

    def __init__(
        self,
        hidden: HiddenModel,
        budget: int = BUDGET,
        log: ArenaLog | None = None,
        judge: ArenaJudge | None = None,
    ) -> None:
        if isinstance(budget, bool) or not isinstance(budget, int):
            raise InputError(f"budget is {budget!r}; give a number of forward passes")
        if not 1 <= budget <= MOST_BUDGET:
            raise InputError(f"budget is {budget}; give 1 to {MOST_BUDGET}")
        self._hidden, self._log = hidden, log
        self._model = hidden.served
        self._machine = PatchedMachine(self._model)
        self._judge = ArenaJudge(hidden) if judge is None else judge
        self._lock = threading.Lock()
        self.budget = budget
        self.spent = self.calls = self.refused = 0
        self.verdict: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<ArenaSession: {self.left} of {self.budget} forward passes left>"

    @property
    def left(self) -> int:
        """Forward passes that are left."""
        return self.budget - self.spent

    def answer(self, request: LocatedJson) -> dict[str, Any]:
        """Return the answer to one call, whatever it holds.

        Args:
            request: an object with the call's name under `call`, its arguments, and
                an `id` that is given back if there is one.
        """
        with self._lock:
            self.calls += 1
            head: dict[str, Any] = {}
            name = ""
            try:
                entries = dict(request.entries())
                identity = entries.pop("id", None)
                if identity is not None:
                    head["id"] = _identity(identity)
                name = _name(request, entries)
                arguments = LocatedJson(name, {k: v.json for k, v in entries.items()})
                body = self._checked(name, arguments)
            except ZooError as error:
                body = _error("refused", c.wording(error))
            except RecursionError:
                body = _error("refused", "call: found lists in lists without end")
            except Exception as error:  # a fault of ours: nothing of it is shown
                self._note(name, type(error).__name__)
                body = _error("fault", "the arena cannot answer this call")
            return {**head, **body, "left": self.left}

    def answer_line(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one call as text, whatever the text is."""
        try:
            request = c.read_line(line)
        except ZooError as error:
            with self._lock:
                self.calls += 1
                return {**_error("refused", c.wording(error)), "left": self.left}
        return self.answer(request)

    def _checked(self, name: str, arguments: LocatedJson) -> dict[str, Any]:
        call = c.read_call(name, arguments)
        if self.calls > MOST_CALLS:
            return _error("closed", f"{MOST_CALLS} calls were made; it is over")
        if self.verdict is not None and not isinstance(call, c.InfoCall):
            return _error("closed", "the submission was made; the session is over")
        if call.price > self.left:
            return _error(
                "budget",
                f"{name} costs {call.price} of the budget of forward passes, and "
                f"{self.left} are left. Ask for less, or submit",
            )
        result = self._result(call)
        self.spent += call.price
        if self._log is not None:
            self._log.add(name, arguments.json, result, self.spent)
        return {"result": result}

    def _note(self, name: str, fault: str) -> None:
        if self._log is not None:
            self._log.add(name[:40], None, {"fault": fault}, self.spent)

    def _result(self, call: c.ArenaCall) -> Any:
        match call:
            case c.SubmitCall():
                return self._submit(call)
            case c.CacheCall():
                return self._cache(call)
            case c.LogitsCall():
                return {"logits": self._logits(call.inputs)}
            case c.RunCall():
                return {"outputs": self._outputs(call.inputs)}
            case c.PatchCall():
                return self._patch(call)
            case c.AblateCall():
                return self._ablate(call)
        return self._info()

    # Calls ------------------------------------------------------------------------

    def _info(self) -> dict[str, Any]:
        config, typed = self._model.config, self._model.typed
        readout = self._model.readout
        return {
            "format": FORMAT,
            "format_version": VERSION,
            "kind": self._hidden.kind,
            "tokens": [value_to_json(v) for v in typed.vocab],
            "max_len": typed.max_len,
            "attends": "to earlier positions" if config.causal else "to all positions",
            "n_layers": config.n_layers,
            "n_heads": config.n_heads,
            "d_model": config.d_model,
            "sources": list(config.names.sources),
            "readers": list(config.names.readers),
            "edges": len(config.names.edges),
            "output": {
                "kind": readout.kind,
                "values": [value_to_json(v) for v in readout.values],
            },
            "roles": list(ROLES),
            "budget": self.budget,
            "limits": {
                "inputs": c.MOST_INPUTS,
                "cached inputs": c.MOST_CACHED,
                "patches": c.MOST_PATCHES,
                "bytes": c.MOST_BYTES,
                "characters of a program": c.LONGEST_TEXT,
            },
            "submitted": self.verdict is not None,
        }

    def _outputs(self, inputs: Sequence[c.TokenRow]) -> list[list[Any]]:
        logits = self._machine.clean(self._ids(inputs, "inputs")).logits
        return [
            self._decoded(row, len(tokens))
            for row, tokens in zip(logits, inputs, strict=True)
        ]

    def _logits(self, inputs: Sequence[c.TokenRow]) -> list[Any]:
        logits = self._machine.clean(self._ids(inputs, "inputs")).logits
        return [
            _numbers(row[1 : len(tokens) + 1])
            for row, tokens in zip(logits, inputs, strict=True)
        ]

    def _cache(self, call: c.CacheCall) -> dict[str, Any]:
        names = self._model.config.names
        wanted = names.sources if call.sources is None else call.sources
        places = [names.source_index(c_name[:40]) for c_name in wanted]
        writes = self._machine.clean(self._ids(call.inputs, "inputs")).writes
        return {
            "sources": [names.sources[place] for place in places],
            "writes": [
                _numbers(row[places, : len(tokens) + 1])
                for row, tokens in zip(writes, call.inputs, strict=True)
            ],
        }

    def _patch(self, call: c.PatchCall) -> dict[str, Any]:
        masks = self._machine.masks(call.patches) * np.float32(call.strength)
        base = self._ids([call.base], "base")
        where = self._where(call.base, call.donor, call.positions)
        if call.vectors is None:
            assert call.donor is not None
            donor = self._ids([call.donor], "donor")
            writes = self._machine.clean(donor, call.shift).writes[0]
        else:
            writes = self._vectors(call)
        return self._under(call.base, base, masks, writes, where)

    def _ablate(self, call: c.AblateCall) -> dict[str, Any]:
        masks = self._machine.masks(call.patches)
        base = self._ids([call.base], "base")
        where = self._where(call.base, None, call.positions)
        mean = call.value == "mean"
        writes = self._means if mean else np.zeros(self._machine.shape, np.float32)
        return self._under(call.base, base, masks, writes, where)

    def _under(
        self,
        tokens: c.TokenRow,
        base: Int[np.ndarray, "1 ctx"],
        masks: Float[np.ndarray, "patch reader source"],
        writes: Float[np.ndarray, "source ctx d_model"],
        where: Float[np.ndarray, " ctx"],
    ) -> dict[str, Any]:
        """Return what one input gives under each mask, with one donor for all."""
        size = len(masks)
        logits = self._machine.patched(
            np.repeat(base, size, axis=0),
            masks,
            np.broadcast_to(writes, (size, *writes.shape)),
            np.broadcast_to(where, (size, len(where))),
        ).logits
        return {
            "outputs": [self._decoded(row, len(tokens)) for row in logits],
            "logits": [_numbers(row[1 : len(tokens) + 1]) for row in logits],
        }

    def _submit(self, call: c.SubmitCall) -> dict[str, Any]:
        if self.refused >= MOST_REFUSED:
            raise InputError(
                f"submit: {MOST_REFUSED} submissions were refused; the session takes "
                "no other"
            )
        try:
            read = self._judge.read(call)
        except ZooError:
            self.refused += 1
            raise
        self.verdict = self._judge.judge(read)
        return self.verdict

    # Parts of calls ---------------------------------------------------------------

    @cached_property
    def _means(self) -> Float[np.ndarray, "source ctx d_model"]:
        """What sources write on the average at each position, over tokens there."""
        ids = np.asarray(self._hidden.causal.inputs(MEANS, 0)[0])
        writes = self._machine.clean(ids).writes
        live = (ids != self._model.config.pad_id)[:, None, :, None]
        return (writes * live).sum(0) / np.maximum(live.sum(0), 1)

    def _ids(self, inputs: Sequence[c.TokenRow], what: str) -> Int[np.ndarray, "b ctx"]:
        """Return the token ids of inputs.

        Raises:
            InputError: one is empty, too long, or has an unknown token.
        """
        typed = self._model.typed
        known = {(type(v), v): i for i, v in enumerate(typed.vocab)}
        indices = np.zeros((len(inputs), typed.max_len), np.int32)
        for row, tokens in enumerate(inputs):
            if not 1 <= len(tokens) <= typed.max_len:
                raise InputError(
                    f"{what}: found an input of {count(len(tokens), 'token')}, "
                    f"expected 1 to {typed.max_len}"
                )
            for column, token in enumerate(tokens):
                index = known.get((type(token), token))
                if index is None:
                    raise InputError(
                        f"{what}: found the token {show(token)[:40]}, expected one of "
                        f"{show_many(typed.vocab)}"
                    )
                indices[row, column] = index
        return self._model.ids(indices, np.array([len(t) for t in inputs]))

    def _where(
        self,
        base: c.TokenRow,
        donor: c.TokenRow | None,
        positions: Sequence[int] | None,
    ) -> Float[np.ndarray, " ctx"]:
        """Return 1 where a patch is made, 0 elsewhere."""
        shared = min(len(base), len(base) if donor is None else len(donor))
        where = np.zeros(self._model.config.n_ctx, np.float32)
        for place in range(shared + 1) if positions is None else positions:
            if not 0 <= place <= len(base):
                raise InputError(
                    f"positions: found {place}, expected 0 (BOS) to {len(base)}"
                )
            where[place] = float(place <= shared)
        return where

    def _vectors(self, call: c.PatchCall) -> Float[np.ndarray, "source ctx d_model"]:
        """Return the writes that an agent has made up."""
        names, width = self._model.config.names, self._model.config.d_model
        writes = np.zeros(self._machine.shape, np.float32)
        given = {names.source_index(n[:40]): v for n, v in (call.vectors or {}).items()}
        rows = len(call.base) + 1
        for place, vectors in given.items():
            if [len(v) for v in vectors] != [width] * rows:
                raise InputError(
                    f"vectors of {names.sources[place]}: expected {rows} rows, for BOS "
                    f"and each token, of {width} numbers"
                )
            writes[place, :rows] = np.clip(
                np.array(vectors), -c.LARGEST_NUMBER, c.LARGEST_NUMBER
            )
        patched = self._machine.masks(call.patches).any(axis=(0, 1))
        for place in np.flatnonzero(patched):
            if place not in given:
                raise InputError(
                    f"patch: {names.sources[place]} is patched, and vectors has no "
                    "entry for it"
                )
        return writes

    def _decoded(self, logits: Any, length: int) -> list[Any]:
        values = decode_logits(self._model.readout, logits[1 : length + 1])
        return [value_to_json(value) for value in values]


def _identity(found: LocatedJson) -> str | int:
    if isinstance(found.json, str) and len(found.json) <= 64:
        return found.json
    if type(found.json) is int and abs(found.json) < 2**53:
        return found.json
    raise InputError("id: give an integer, or a text of at most 64 characters")


def _name(request: LocatedJson, entries: dict[str, LocatedJson]) -> str:
    if "call" not in entries:
        raise InputError(
            f"call: found no call's name, expected one of {', '.join(c.CALLS)} under "
            '\'call\'. Send for example {"call": "info"}'
        )
    return entries.pop("call").text()


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message}}


def _numbers(array: Float[np.ndarray, "*n"]) -> Any:
    """Return numbers with `DIGITS` significant digits; null where there is none."""
    flat = [
        float(f"{number:.{DIGITS}g}") if isfinite(number) else None
        for number in array.ravel().tolist()
    ]
    return np.array(flat, object).reshape(array.shape).tolist()
