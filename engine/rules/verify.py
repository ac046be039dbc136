"""Proof: each number of a backward pass computed again by hand, and compared with what autograd recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Array, Comparison, compare, exact, unit_roundoff, value_of
from engine.arithmetic.limits import within_limits
from engine.recording.model import KEPT_BY_HOOKS, Node, Value
from engine.recording.reader import Recording
from engine.rules.reading import OTHER_VALUES, GraphValues, kept_by_hooks
from engine.rules.registry import Rule, find_rule, reason_not_differentiable, without_rule
from engine.rules.values import NoDataError, NodeValues, NotRecordedError, UnsupportedError

_UNSEEN_HOOK = "a hook of yours, which was there before the recording began, may have changed the gradient here"

State = Literal["proved", "finite_differences", "not_differentiable", "unknown", "wrong", "no_data", "not_run"]
STATES: tuple[State, ...] = ("proved", "not_differentiable", "unknown", "wrong", "no_data", "not_run")


@dataclass(frozen=True)
class Check:
    """One recorded tensor beside the same by hand. `what`: "grad_input", "sum" (of what other nodes sent) or "grad".

    `slot` is that of the gradient; for a sum, the output of the node at which the contributions meet.
    """

    what: Literal["grad_input", "sum", "grad"]
    slot: int
    comparison: Comparison


@dataclass(frozen=True)
class Proof:
    """What is known of one node. `reason` says why it is not proved, what is wrong, or what else is to be known."""

    node: int
    type: str
    state: State
    reason: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def max_abs(self) -> float:
        """Largest absolute error of all checks; 0 where there are none."""
        return max((check.comparison.max_abs for check in self.checks), default=0.0)

    @property
    def max_rel(self) -> float:
        """Largest error relative to the largest number of the tensor that it is in; 0 where there are no checks."""
        return max((check.comparison.max_rel for check in self.checks), default=0.0)


def verify_graph(recording: Recording, graph: int) -> Iterator[Proof]:
    """A proof for each node of a backward pass, in the order of the nodes."""
    values = GraphValues(recording, graph)
    for node in values.nodes:
        yield verify_node(values, node)


def verify_node(graph: GraphValues, node: Node) -> Proof:
    """Prove one node: the sums of what entered it, and the gradients that left it."""
    event = graph.event_of(node)
    if event is None:
        return Proof(node.id, node.type, "not_run", "no gradient came here")
    with graph.kept(), np.errstate(all="ignore"):
        try:
            checks = _sums(graph, node)
            if node.kind == "parameter":
                checks += _accumulation(graph, node)
            elif (values := graph.values(node)) is not None:
                checks += check_gradients(values)
        except NoDataError as missing:
            unread = isinstance(missing, NotRecordedError) and kept_by_hooks(node)
            return Proof(node.id, node.type, "no_data", f"{missing}: {KEPT_BY_HOOKS}" if unread else str(missing))
        except UnsupportedError as unsupported:
            return Proof(node.id, node.type, "unknown", str(unsupported))
    failed = sorted((check for check in checks if not check.comparison.holds), key=lambda one: one.comparison.undecided)
    for check in failed:
        if event.info.get("hooks") and check.what != "grad_input":
            return Proof(node.id, node.type, "unknown", _UNSEEN_HOOK, tuple(checks))
        if kept_by_hooks(node) and check.what == "grad_input":
            return Proof(node.id, node.type, "unknown", f"{OTHER_VALUES}: {describe_error(check)}", tuple(checks))
        state: State = "unknown" if check.comparison.undecided else "wrong"
        return Proof(node.id, node.type, state, describe_error(check), tuple(checks))
    stopped = reason_not_differentiable(node.type)
    if stopped is not None:
        return Proof(node.id, node.type, "not_differentiable", stopped, tuple(checks))
    return Proof(node.id, node.type, "proved", _remark(node, graph.recording.values(event.id)), tuple(checks))


def describe_error(check: Check) -> str:
    """What is wrong, in one line, with the element."""
    found = check.comparison
    where = {"grad_input": "the gradient of input", "sum": "the sum at output", "grad": "the accumulated gradient"}
    place = f"{where[check.what]} {check.slot}" if check.what != "grad" else where["grad"]
    if found.reason:
        return f"{place}: {found.reason}"
    return (
        f"{place}, element {list(found.worst)}: recorded {found.recorded:.9g}, by hand {found.computed:.9g}, "
        f"which rounding explains only up to {found.bound:.2g}"
    )


def check_gradients(values: NodeValues) -> list[Check]:
    """Each gradient that left a node against its rule.

    Raises UnsupportedError if there is no rule for it, NoDataError if a tensor that the rule needs was not kept.
    """
    if reason_not_differentiable(values.type) is not None:
        return [_zero(values, slot) for slot in values.slots]
    rule = find_rule(values.type)
    if rule is None:
        raise UnsupportedError(without_rule(values.type))
    found = _beside(values, rule)
    if all(check.comparison.holds for check in found):
        return found
    with within_limits():
        return _beside(values, rule)


def _beside(values: NodeValues, rule: Rule) -> list[Check]:
    computed = rule.vjp(values)
    missing = [slot for slot in values.slots if slot not in computed]
    if missing:
        raise UnsupportedError(f"the rule of {values.type} has no gradient for input {missing[0]}")
    return [
        Check("grad_input", slot, compare(computed[slot], values.recorded(slot), values.dtype(slot)))
        for slot in values.slots
    ]


def _compare(compute: Callable[[], Array], recorded: npt.ArrayLike, dtype: str) -> Comparison:
    """What is computed beside what was recorded; where they differ, the range of the dtype counts too."""
    found = compare(compute(), recorded, dtype)
    if found.holds:
        return found
    with within_limits():
        return compare(compute(), recorded, dtype)


def _zero(values: NodeValues, slot: int) -> Check:
    """A node that passes nothing on may still send zeros."""
    zeros = np.zeros(values.shape(slot))
    return Check("grad_input", slot, compare(zeros, values.recorded(slot), values.dtype(slot)))


def _sums(graph: GraphValues, node: Node) -> list[Check]:
    """On every link, and where several meet: what entered is the sum of what was sent and what the pass began with."""
    event = graph.event_of(node)
    assert event is not None
    role = "grad_input" if node.kind == "parameter" else "grad_output"
    root = graph.recording.graph(graph.graph).root
    values = graph.recording.values(event.id)
    arrived = {value.slot: value.tensor for value in values if value.role == "grad_arrived"}
    found = []
    for value in values:
        if value.role != role:
            continue
        started = [other.tensor for other in values if other.role == "grad_start" and other.slot == value.slot]
        if not started and node.id == root and value.slot == 0:  # it is not known what the pass began with
            continue
        added = started + [one.tensor for one in graph.contributions(node, value.slot)]
        if added:
            comparison = _compare_sum(graph, added, arrived.get(value.slot, value.tensor))
            found.append(Check("sum", value.slot, comparison))
    return found


def _compare_sum(graph: GraphValues, added: list[int], received: int) -> Comparison:
    shape, dtype = graph.describe(received)
    recorded = graph.data(received)
    if recorded is None:
        raise NoDataError("what entered was not recorded in full")
    if added == [received]:
        return compare(recorded, recorded, dtype)
    sent = [graph.data(tensor) for tensor in added]
    if any(data is None for data in sent):
        raise NoDataError("a gradient that was sent here was not recorded in full")
    bounded = [exact(data, unit_roundoff(dtype)) for data in sent if data is not None]

    def total() -> Array:
        """In autograd's order: where the first two nearly cancel, another explains less rounding than there was."""
        return np.broadcast_to(sum(bounded[1:], bounded[0]), shape)  # type: ignore[call-overload]

    return _compare(total, recorded, dtype)


def _remark(node: Node, values: tuple[Value, ...]) -> str:
    """If a hook of the user's replaced a gradient here, the proof is of what was there before and after."""
    if {"grad_arrived", "grad_computed"}.intersection(value.role for value in values):
        return "a hook of yours replaced a gradient here"
    return f"{KEPT_BY_HOOKS}: proved with what the forward had" if kept_by_hooks(node) else ""


def _accumulation(graph: GraphValues, node: Node) -> list[Check]:
    """What `.grad` holds afterwards is what it held before plus what arrived."""
    event = graph.event_of(node)
    assert event is not None
    tensors = {value.role: value.tensor for value in graph.recording.values(event.id)}
    if "grad_after" not in tensors:  # torch.autograd.grad gave it out instead
        return []
    dtype = graph.describe(tensors["grad_after"])[1]
    arrays = {}
    for role in ("grad_input", "grad_before", "grad_after"):
        if role in tensors:
            data = graph.data(tensors[role])
            if data is None:
                raise NoDataError("the gradient was not recorded in full")
            arrays[role] = data

    def total() -> Array:
        added = [exact(arrays[role], unit_roundoff(dtype)) for role in ("grad_input", "grad_before") if role in arrays]
        return sum(added[1:], added[0])

    return [Check("grad", 0, _compare(total, value_of(arrays["grad_after"]), dtype))]
