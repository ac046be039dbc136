"""What one element of a gradient is the sum of.

Every gradient that leaves a node is linear in those that entered: each element is a sum of elements of `grad_outputs`,
each times a coefficient. A rule may say which (`terms=`); for elementwise and moving rules it follows from the rule,
and for any other rule on small tensors it is found by letting one entering element through at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic.bounded import Floats, value_of
from engine.recording.model import Shape
from engine.rules.registry import Rule, by_slot
from engine.rules.values import NodeValues, UnsupportedError

Index = tuple[int, ...]
SHOWN = 20
PROBED = 4096  # elements that may be let through one at a time


@dataclass(frozen=True)
class TermGroup:
    """Terms of one kind: the element's share is `sum(coefficients * grad_output[indices])`.

    `indices` is an index array for each dimension of gradient number `grad_output`; for a scalar it is empty and there
    is one coefficient. `label` says what the coefficients are ("weight", "through the mean"). `conjugated`: they
    multiply the complex conjugates.
    """

    grad_output: int
    indices: tuple[Any, ...]
    coefficients: Floats
    label: str = ""
    conjugated: bool = False


@dataclass(frozen=True)
class Term:
    """`value` = `coefficient` · `grad`, where `grad` is element `index` of the gradient for output `grad_output`."""

    value: complex
    coefficient: complex
    grad: complex
    grad_output: int
    index: Index
    label: str


@dataclass(frozen=True)
class Terms:
    """The largest terms first; `total` is the sum of all `count` of them, `rest` that of those not listed."""

    listed: tuple[Term, ...]
    count: int
    total: complex
    rest: complex


def break_down(rule: Rule, values: NodeValues, slot: int, index: Index, *, shown: int = SHOWN) -> Terms:
    """The terms of element `index` of the gradient of input `slot`. `values` must be plain.

    Raises UnsupportedError if the rule does not say what its terms are and the tensors are too large to find out.
    """
    with np.errstate(all="ignore"):
        groups = groups_of(rule, values, slot, index)
        return _largest(values, groups, shown, real=not values.dtype(slot).startswith("complex"))


def groups_of(rule: Rule, values: NodeValues, slot: int, index: Index) -> Sequence[TermGroup]:
    """All terms of that element; raises as `break_down` does."""
    if rule.terms is not None:
        return rule.terms(values, slot, index)
    if rule.kind == "elementwise":
        return _elementwise(rule, values, slot, index)
    if rule.kind == "moving":
        return _moving(rule, values, slot, index)
    return _probed(rule, values, slot, index)


def _largest(values: NodeValues, groups: Sequence[TermGroup], shown: int, real: bool) -> Terms:
    """`real`: the element is, and of complex products only the real parts count."""
    found: list[Term] = []
    count = 0
    total: complex = 0.0
    for group in groups:
        gradient = value_of(values.grad(group.grad_output))
        coefficients = np.atleast_1d(group.coefficients)
        indices = tuple(np.broadcast_to(np.asarray(axis), coefficients.shape) for axis in group.indices)
        gradients = np.broadcast_to(gradient[indices] if indices else gradient, coefficients.shape)
        gradients = np.conj(gradients) if group.conjugated else gradients
        products = coefficients * gradients
        products = products.real if real else products
        count += products.size
        total += products.sum().item()
        flat = products.ravel()
        for place in np.argsort(-np.abs(flat), kind="stable")[:shown]:
            where = np.unravel_index(place, products.shape)
            at = tuple(int(axis[where]) for axis in indices)
            value, by, grad = flat[place].item(), coefficients[where].item(), gradients[where].item()
            found.append(Term(value, by, grad, group.grad_output, at, group.label))
    found.sort(key=lambda term: -abs(term.value))
    listed = tuple(found[:shown])
    return Terms(listed, count, total, total - sum(term.value for term in listed))


def broadcast_sources(index: Index, shape: Shape, output: Shape) -> tuple[Any, ...]:
    """Index arrays of all elements of a tensor of shape `output` to which element `index` of `shape` was broadcast."""
    extra = len(output) - len(shape)
    axes = []
    for axis, length in enumerate(output):
        own = axis - extra
        spread = own < 0 or (shape[own] == 1 and length != 1)
        axes.append(np.arange(length) if spread else np.array([index[own]]))
    return tuple(grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")) if axes else ()


def _elementwise(rule: Rule, values: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    local = value_of(by_slot(rule.function(values))[slot])
    output = values.output_shape()
    if not output and local.ndim:  # a loss that was reduced to one number
        places = broadcast_sources(index, values.shape(slot), local.shape)
        return [TermGroup(0, (), np.conj(local[places]), "slope")]
    indices = broadcast_sources(index, values.shape(slot), output)
    local = np.conj(np.broadcast_to(local, output))
    return [TermGroup(0, indices, local[indices] if indices else local, "slope")]


class _Probe(NodeValues):
    """The same node with other gradients entering."""

    def __init__(self, values: NodeValues, gradients: dict[int, Floats]) -> None:
        vars(self).update(vars(values))
        self._kept = dict(values._kept) | {("grad_output", s, ""): array for s, array in gradients.items()}  # noqa: SLF001


def _entering(values: NodeValues) -> dict[int, Floats]:
    slots = [slot for role, slot, _ in values.tensors if role == "grad_output"]
    return {slot: value_of(values.grad(slot)) for slot in sorted(slots)}


def _moving(rule: Rule, values: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    """Each element is labelled with its number, and the rule is asked which number it puts there."""
    entering = _entering(values)
    start = 1
    labels: dict[int, Floats] = {}
    for number, array in entering.items():
        labels[number] = np.arange(start, start + array.size, dtype=np.float64).reshape(array.shape)
        start += array.size
    label = int(value_of(rule.vjp(_Probe(values, labels))[slot])[index].real)
    for number, array in labels.items():
        if label and array.size and array.flat[0] <= label <= array.flat[-1]:
            at = np.unravel_index(label - int(array.flat[0]), array.shape)
            return [TermGroup(number, tuple(np.array([axis]) for axis in at), np.ones(1), "the same number")]
    return []


def _probed(rule: Rule, values: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    entering = _entering(values)
    if sum(array.size for array in entering.values()) > PROBED:
        raise UnsupportedError(f"the rule of {values.type} does not say what its terms are")
    groups = []
    for number, array in entering.items():
        zeros = {other: np.zeros_like(item) for other, item in entering.items()}

        def answers(size: complex, zeros: Mapping[int, Floats] = zeros, number: int = number) -> Floats:
            """What the element becomes when one number enters, at each place in turn."""
            found: Floats = np.zeros(zeros[number].shape, dtype=np.complex128)
            for at in np.ndindex(found.shape):
                unit = np.zeros_like(zeros[number])
                unit[at] = size
                found[at] = value_of(rule.vjp(_Probe(values, dict(zeros) | {number: unit}))[slot])[index]
            return found

        one = answers(1.0)
        if array.dtype.kind != "c":
            groups.append(_slopes(number, one))
            continue
        turned = 1j * answers(1j)  # f(g) = a g + b conj(g): f(1) = a + b, i f(i) = b - a
        noise = 1e-13 * np.maximum(np.abs(one), np.abs(turned)).max(initial=0.0)
        for both, conjugated in ((one - turned) / 2, False), ((one + turned) / 2, True):
            groups.append(_slopes(number, np.where(np.abs(both) > noise, both, 0.0), conjugated=conjugated))
    return groups


def _slopes(number: int, coefficients: Floats, *, conjugated: bool = False) -> TermGroup:
    """The coefficients that are not zero."""
    if not np.any(coefficients.imag):
        coefficients = coefficients.real
    where = np.nonzero(coefficients) if coefficients.ndim else ()
    return TermGroup(number, where, coefficients[where] if where else coefficients, "slope", conjugated)
