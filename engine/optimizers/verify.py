"""Proves what an optimizer did: every update is done again by hand and compared with what was recorded.

The arithmetic runs on `Bounded` arrays: the recorded numbers, and with each result how far rounding in the parameter's
dtype may have taken it. Counters are compared exactly. Where something is missing, or no rule covers what ran, that is
said, and nothing is called proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engine.arithmetic import Bounded, Comparison, compare, exact, unit_roundoff
from engine.arithmetic.limits import within_limits
from engine.errors import RecordingError
from engine.optimizers import by_hand, joint
from engine.optimizers.iterates import matrices
from engine.optimizers.model import Optimizer, Sparse, Update, is_zero, value_of
from engine.optimizers.reading import Floats, NoDataError, Reading, UnknownError
from engine.optimizers.registry import optimizer_of, update
from engine.optimizers.result import Result, agreement, unchanged
from engine.recording.reader import Recording

ProofState = Literal["proved", "unknown", "wrong", "no_data"]
_COUNTERS = {"step", "func_evals", "n_iter"}


@dataclass(frozen=True)
class UpdateProof:
    """The verdict on one update event.

    `reason` says what is wrong, missing or unknown; "" if proved. `results` are the parameter and each entry of the
    state beside the recorded ones. `optimizer` is the class name, or "by hand".
    """

    state: ProofState
    reason: str
    event: int
    parameter: int | None
    optimizer: str
    results: tuple[Result, ...] = ()

    @property
    def worst(self) -> Result | None:
        """The result with the largest relative error, or the one that is wrong."""
        wrong = [result for result in self.results if not result.comparison.holds]
        return max(wrong or self.results, key=lambda result: result.comparison.max_rel, default=None)


def verify_updates(recording: Recording, step: int | None = None) -> Iterator[UpdateProof]:
    """A proof for each update event, of one training step or of all."""
    cache: joint.Cache = {}
    for row in recording.steps:
        if step is None or row.index == step:
            for number in range(row.first_event, row.last_event + 1):
                if recording.event(number).kind == "update":
                    yield verify_update(recording, number, cache)


def verify_update(recording: Recording, event_id: int, cache: joint.Cache | None = None) -> UpdateProof:
    """Prove the update event `event_id`.

    `cache`, a dict kept from call to call, saves work where one update is of all parameters at once (LBFGS). Raises
    RecordingError if the recording is damaged, or the event is none.
    """
    event = recording.event(event_id)
    optimizer = str(event.info.get("optimizer", ""))
    if event.kind != "update":
        raise RecordingError(f"Event {event_id} is a {event.kind}, not an update.")
    reading = Reading(recording, event)
    results: tuple[Result, ...] = ()
    close = False
    try:
        results, close = _results(reading, optimizer, cache)
        if not all(result.comparison.holds for result in results):
            with within_limits():
                results, close = _results(reading, optimizer, {})
        state, reason = _verdict(results, close, _excuse(event.info))
    except NoDataError as error:
        state, reason = "no_data", str(error)
    except UnknownError as error:
        state, reason = "unknown", str(error)
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        state, reason = "unknown", f"what was recorded does not fit {optimizer}: {type(error).__name__}: {error}"
    return UpdateProof(state, reason, event_id, event.parameter, optimizer, results)


def explain_update(recording: Recording, event_id: int) -> Update:
    """The same update in float64, with every intermediate quantity, to be shown.

    Quantities of LBFGS are of all parameters, flat. Raises NoDataError or UnknownError, whose messages say why not.
    """
    reading = Reading(recording, recording.event(event_id))
    optimizer = str(reading.event.info.get("optimizer", ""))
    if optimizer == "by hand":
        return _plain(by_hand.write(reading))
    rule = _rule(reading, optimizer)
    if rule.name == "LBFGS":
        return _plain(joint.replay(joint.Together(reading))[0])
    return _plain(_update(reading, rule))


def _results(reading: Reading, optimizer: str, cache: joint.Cache | None) -> tuple[tuple[Result, ...], bool]:
    """(the comparisons, whether a decision on the way was too close to call)."""
    if optimizer == "by hand":
        found = by_hand.write(reading)
        after = compare(found.param, reading.array("param_after"), reading.dtype("param_after"))
        return (Result("param_after", "", 0, after),), False
    rule = _rule(reading, optimizer)
    if reading.event.info.get("found_inf") or (not reading.has("grad") and rule.name != "LBFGS"):
        return tuple(unchanged(reading)), False
    if rule.name == "LBFGS":
        return joint.prove(reading, {} if cache is None else cache)
    extra = matrices(reading) if rule.name == "Muon" else ()
    found = _update(reading, rule, cache)
    joint.refuse_if_vague("the parameter", found.param)
    after = compare(found.param, reading.array("param_after"), reading.dtype("param_after"))
    return (Result("param_after", "", 0, after), *extra, *_state_results(reading, found)), False


def _rule(reading: Reading, optimizer: str) -> Optimizer:
    """The rule for the update. Raises UnknownError if there is none, or if it does not know all that is switched on."""
    rule = optimizer_of(reading.event.info)
    if rule is None:
        module = str(reading.event.info.get("module", "torch.optim"))
        if module == "torch.optim" or module.startswith("torch.optim."):
            raise UnknownError(f"there is no rule for the optimizer {optimizer or 'without a name'}")
        raise UnknownError(f"{optimizer} is an optimizer of {module}: it has no rule")
    if rule.modules:
        for name, value in reading.hyperparameters.items():
            if name not in rule.options and value and not _is_off(value):
                raise UnknownError(f"the rule for {optimizer} does not cover {name}={value!r}")
        if reading.tensor("param_before").dtype.startswith("complex"):
            raise UnknownError(f"the rule for {optimizer} does not cover complex parameters")
    return rule


def _is_off(value: Any) -> bool:
    return isinstance(value, int | float) and is_zero(value)


def _update(reading: Reading, rule: Optimizer, cache: joint.Cache | None = None) -> Update:
    h = {**reading.attributes, **reading.hyperparameters, "defaults": reading.defaults}
    for name, dtype in reading.event.info.get("tensors", {}).items():
        h[name] = _exactly(h[name], unit_roundoff(str(dtype)))
    if rule.name == "Adafactor" and h["eps"][0] is None:
        h["eps"] = (2 * reading.unit(), h["eps"][1])  # torch.finfo(dtype).eps
    param = reading.bounded("param_before")
    grad = reading.gradient()
    state = _state(reading, as_tensor=bool(h.get("capturable") or h.get("differentiable")))
    if rule.name == "Muon":
        slots = [slot for _, slot in reading.names("output")]
        state["iterates"] = [exact(reading.array("output", "", slot), reading.unit()) for slot in slots]
    if rule.norm:
        state["norm"] = joint.norm_of_gradients(reading, {} if cache is None else cache)
    with np.errstate(all="ignore"):
        return update(rule, h, param, grad, state)


def _exactly(value: Any, unit: float) -> Any:
    if isinstance(value, list | tuple):
        return [_exactly(member, unit) for member in value]
    return exact(value, unit)


def _state(reading: Reading, *, as_tensor: bool) -> dict[str, Any]:
    """The state before. A step counter is a number, unless the optimizer computes with it as a tensor."""
    found: dict[str, Any] = {name: value for name, value in reading.plain("state").items() if value is not None}
    for name, slot in reading.names("state_before"):
        if slot == 0:
            found[name] = reading.bounded("state_before", name)
    for name, start in (("mu_product", 1.0), ("eta", reading.hyperparameters.get("lr", 0.0))):
        if name not in found and reading.has("state_after", name):  # PyTorch makes it now, as a tensor
            number = np.float64(start)
            rounded = number.astype(np.float32) if reading.dtype("state_after", name) == "float32" else number
            found[name] = exact(rounded, reading.unit("state_after", name))
    if isinstance(found.get("step"), Bounded) and not as_tensor:
        found["step"] = found["step"].item()
    elif "step" not in found and as_tensor and reading.has("state_after", "step"):
        found["step"] = exact(0.0, reading.unit("state_after", "step"))
    return found


def _state_results(reading: Reading, found: Update) -> Iterator[Result]:
    """Every entry of the state after, beside the computed one; what the rule does not name must not have changed."""
    named = set()
    for name, slot in reading.names("state_after"):
        named.add(name)
        there = reading.array("state_after", name, slot)
        if slot or name not in found.state:
            yield from unchanged(reading, name, slot)
        else:
            yield Result("state_after", name, slot, _beside(reading, name, found.state[name], there))
    for name, value in reading.plain("state_after").items():
        if name in found.state and value is not None:
            named.add(name)
            yield Result("state_after", name, 0, agreement(value_of(found.state[name]), value))
    missing = sorted(name for name in found.state if name not in named)
    if missing:
        raise NoDataError(f"state_after {missing[0]} was not recorded")


def _beside(reading: Reading, name: str, computed: Any, there: Floats) -> Comparison:
    if name in _COUNTERS:
        return agreement(value_of(computed), there)
    if not isinstance(computed, Bounded):
        computed = exact(computed, reading.unit("state_after", name))
    return compare(computed, there, reading.dtype("state_after", name))


def _excuse(info: Mapping[str, Any]) -> str:
    """Why numbers that do not agree may still be right: something ran besides the rule's optimizer."""
    if info.get("hooks"):
        return "hooks of the optimizer ran in between"
    rule = optimizer_of(info)
    if info.get("base") and rule is not None and not rule.modules:
        return f"{info['optimizer']} is made from {info['base']}, and does not do the same"
    return ""


def _verdict(results: tuple[Result, ...], close: bool, excuse: str) -> tuple[ProofState, str]:
    wrong = [result for result in results if not result.comparison.holds]
    if not wrong:
        return "proved", ""
    first = next((result for result in wrong if not result.comparison.undecided), None)
    if first is None:
        return "unknown", f"{wrong[0].label}: {wrong[0].comparison.reason}"
    if close:
        return "unknown", "a decision of the algorithm was too close to call: rounding could turn it either way"
    if excuse:
        return "unknown", f"{excuse}: {first.describe()}"
    return "wrong", first.describe()


def _plain(found: Update) -> Update:
    """Values without their bounds."""

    def value(item: Any) -> Any:
        if isinstance(item, Sparse):
            return value(item.dense)
        if isinstance(item, list | tuple):
            return [value(member) for member in item]
        return value_of(item)

    quantities = tuple(
        type(quantity)(quantity.name, quantity.symbol, value(quantity.value), quantity.formula, quantity.words)
        for quantity in found.quantities
    )
    return Update(value(found.param), {name: value(item) for name, item in found.state.items()}, quantities)
