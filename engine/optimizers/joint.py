"""LBFGS is one update of all parameters: its events are proved together.

The iterations are done again from the recorded gradients of every call of the closure. Each step and each change of
the gradient that PyTorch remembered is compared with the computed one, and the next iteration goes on from the
recorded one: what is proved is every iteration from the one before it, and rounding does not pile up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Bounded, compare, exact, unit_roundoff
from engine.arithmetic.compare import SAFETY
from engine.optimizers.lbfgs import Evaluation, EvaluationsEnd, Replay
from engine.optimizers.model import Array, Notes, Update, concatenate, value_of
from engine.optimizers.reading import NoDataError, Reading, UnknownError
from engine.optimizers.registry import OPTIMIZERS
from engine.optimizers.result import Result, agreement
from engine.recording.model import Event
from engine.recording.reader import Recording

Found = tuple[dict[int, tuple[Result, ...]], bool]
Cache = dict[Any, Any]
"""What is known of the last call of `step()`: by event what was found (a `Found`), or the norm of its gradients."""
_LISTS = ("old_dirs", "old_stps", "ro", "al")
_HISTORIES = _LISTS[:3]
VAGUE = 0.25  # of the largest element


class Together:
    """All events of one `step()` of LBFGS, in the order of its parameters; the first holds the state."""

    def __init__(self, reading: Reading) -> None:
        self.members = [Reading(reading.recording, event) for event in _events(reading.recording, reading.event)]
        self.first = self.members[0]
        self.losses = self.first.event.info.get("losses")
        if not isinstance(self.losses, list):
            raise UnknownError("the calls of the closure were not recorded")
        dtypes = {member.dtype("param_before") for member in self.members}
        if len(dtypes) > 1:
            raise UnknownError("the parameters have different dtypes")
        self.dtype = dtypes.pop()
        self.unit = unit_roundoff(self.dtype)

    def flat(self, role: str, slot: int = 0) -> Array:
        """The recorded arrays end to end; a gradient that was not there is zero."""
        parts = [
            member.array(role, "", slot) if member.has(role, "", slot) else np.zeros(member.array("param_before").shape)
            for member in self.members
        ]
        return exact(np.asarray(concatenate(parts)), self.unit)

    def state(self, role: str) -> dict[str, Any]:
        """The state before or after: lists of exact arrays where torch keeps lists."""
        key = "state" if role == "state_before" else "state_after"
        found: dict[str, Any] = {name: value for name, value in self.first.plain(key).items() if value is not None}
        for name, slot in self.first.names(role):
            item = exact(self.first.array(role, name, slot), self.unit)
            if name in _LISTS:
                found.setdefault(name, []).append(item)
            else:
                found[name] = item
        return {name: value for name, value in found.items() if name not in _LISTS or isinstance(value, list)}

    def hyperparameters(self) -> dict[str, Any]:
        h = dict(self.first.hyperparameters)
        if "lr" in self.first.event.info.get("tensors", {}):
            h["lr"] = exact(h["lr"], self.unit)
        return h


def prove(reading: Reading, cache: Cache) -> tuple[tuple[Result, ...], bool]:
    """The results of one event of the update, and whether a decision was too close to call."""
    number = reading.event.id
    if number not in cache:
        together = Together(reading)
        found = _prove(together)
        cache.clear()
        cache.update({member.event.id: found for member in together.members})
    results, close = cache[number]
    return results[number], bool(close)


def norm_of_gradients(reading: Reading, cache: Cache) -> Array:
    """The norm of the gradients of all parameters that took part in the same call of `step()`."""
    key = ("norm", reading.event.info.get("call"))
    if key not in cache:
        members = (Reading(reading.recording, event) for event in _events(reading.recording, reading.event))
        grads = [exact(member.array("grad"), member.unit()) for member in members if member.has("grad")]
        cache.clear()
        cache[key] = np.sqrt(sum((grad * grad).sum() for grad in grads))
    return cache[key]


def _events(recording: Recording, event: Event) -> list[Event]:
    """Those of the same call of `step()`: they follow each other."""
    call = event.info.get("call")
    found = [event]
    for direction in (-1, 1):
        number = event.id + direction
        while 0 <= number < len(recording.timeline):
            other = recording.event(number)
            if other.kind != "update" or other.info.get("call") != call:
                break
            found.append(other)
            number += direction
    return sorted(found, key=lambda item: item.id)


class _Following(Replay):
    """Goes on from what was remembered, after comparing."""

    def __init__(self, together: Together, after: dict[str, Any], start: int) -> None:
        super().__init__()
        self._together = together
        self._after = after
        self._next = dict.fromkeys(_HISTORIES, start)
        self.results: list[Result] = []
        self.count = 0

    def known(self, name: str, computed: Array) -> Array:
        slot = self._next[name]
        self._next[name] += 1
        self.count += name == "ro"
        history = self._after.get(name, [])
        if not 0 <= slot < len(history):
            return computed
        recorded = history[slot]
        refuse_if_vague(f"{name}[{slot}]", computed)
        comparison = compare(computed, recorded.value, self._together.dtype)
        self.results.append(Result("state_after", name, slot, comparison))
        return recorded


def replay(together: Together) -> tuple[Update, _Following]:
    """The update on bounded arrays. Raises UnknownError if the evaluations do not suffice."""
    before, after = together.state("state_before"), together.state("state_after")
    h = together.hyperparameters()
    kept = 0 if before.get("n_iter", 0) == 0 else len(before.get("ro", []))
    start = kept
    if len(after.get("ro", [])) == h["history_size"]:  # full: older members may have gone, as many as have come
        trial = _run(together, h, before, _Following(together, {}, 0))[1]
        start = kept - max(0, kept + trial.count - h["history_size"])
    return _run(together, h, before, _Following(together, after, start))


def _run(
    together: Together, h: dict[str, Any], before: dict[str, Any], following: _Following
) -> tuple[Update, _Following]:
    losses = together.losses or []
    evaluations = [Evaluation(float(loss), together.flat("grad", slot)) for slot, loss in enumerate(losses)]
    with np.errstate(all="ignore"):
        try:
            found = OPTIMIZERS["LBFGS"].rule(
                Notes(), h, together.flat("param_before"), evaluations, before | {"replay": following}
            )
        except EvaluationsEnd:
            raise UnknownError("done by hand, the closure would have to be called more often than it was") from None
    return found, following


def refuse_if_vague(what: str, computed: Array) -> None:
    """A bound as wide as the numbers themselves proves nothing. Raises UnknownError."""
    if isinstance(computed, Bounded) and computed.error is not None and computed.size:
        finite = np.isfinite(computed.value)  # what is infinite, or not a number, has no bound, and needs none
        largest = float(np.max(np.abs(computed.value), where=finite, initial=0.0))
        error = np.broadcast_to(computed.error, computed.value.shape)
        if not SAFETY * float(np.max(error, where=finite, initial=0.0)) <= VAGUE * largest:
            raise UnknownError(f"{what}: rounding may have changed it by as much as it is; the bound says nothing")


def _prove(together: Together) -> Found:
    found, following = replay(together)
    results: dict[int, tuple[Result, ...]] = {}
    offset = 0
    for member in together.members:
        after = member.array("param_after")
        part = found.param[offset : offset + after.size].reshape(after.shape)
        offset += after.size
        refuse_if_vague("the parameter", part)
        results[member.event.id] = (Result("param_after", "", 0, compare(part, after, together.dtype)),)
    entries = (*following.results, *_state(together, found, {(item.name, item.slot) for item in following.results}))
    results[together.first.event.id] += entries
    return results, following.judge.close


def _state(together: Together, found: Update, done: set[tuple[str, int]]) -> list[Result]:
    """What is remembered after the update, apart from what was compared on the way."""
    first = together.first
    results = []
    for name, slot in first.names("state_after"):
        if (name, slot) in done:
            continue
        there = first.array("state_after", name, slot)
        computed = found.state.get(name)
        if isinstance(computed, list):
            computed = computed[slot] if slot < len(computed) else None
        if computed is None:
            if name in found.state or not first.has("state_before", name, slot):
                raise UnknownError(f"done by hand, nothing would be remembered as {name}[{slot}]")
            computed = exact(first.array("state_before", name, slot), together.unit)
        computed = computed if isinstance(computed, Bounded) else exact(computed, together.unit)
        results.append(Result("state_after", name, slot, compare(computed, there, together.dtype)))
    for name, value in first.plain("state_after").items():
        computed = found.state.get(name, first.plain("state").get(name))
        if name not in _LISTS and value is not None and computed is not None:
            results.append(Result("state_after", name, 0, agreement(value_of(computed), value)))
    if "func_evals" not in first.plain("state_after"):
        raise NoDataError("state_after func_evals was not recorded")
    return results
