"""Recurrent layers that are one node: oneDNN's LSTM over a whole sequence, and the fused cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic import Array
from engine.arithmetic.recurrent import carried, gru_cell_gradients, lstm_cell_gradients, lstm_gates, lstm_tangent
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues, UnsupportedError

Index = tuple[int, ...]
LSTM = 2  # torch's number of the mode
WORDS = (
    "A recurrent layer passes the gradient back through time: at each step through the gates to that step's input and "
    "to the state before it. The same weights were used at every step, and get the sum."
)


@dataclass(frozen=True)
class Step:
    """One step of the layer: where it is in the sequence, and what it knew."""

    place: int
    x: Array
    h: Array
    gates: tuple[Array, ...]
    before: Array
    after: Array


def _weights(n: NodeValues) -> tuple[Array, ...]:
    names = ("weight0", "weight1", "weight2", "weight3")
    return tuple(n.saved(name) for name in names[: 4 if n.argument("has_biases") else 2])


def lstm_steps(n: NodeValues) -> list[Step]:
    """All steps in the order in which they ran. The hidden states are as recorded, gates and cell states by hand."""
    if int(n.argument("mode")) != LSTM:
        raise UnsupportedError("only the LSTM of these layers has a rule")
    if n.argument("batch_sizes", ()):
        raise UnsupportedError("packed sequences have no rule")
    sequence, output, weights = n.saved("input"), n.saved("result0"), _weights(n)
    places = list(range(sequence.shape[0]))
    if n.argument("reverse", False):
        places.reverse()
    h, cell, found = n.saved("hx_"), n.saved("cx_"), []
    for place in places:
        gates = lstm_gates(sequence[place], h, weights)
        after = gates[1] * cell + gates[0] * gates[2]
        found.append(Step(place, sequence[place], h, gates, cell, after))
        h, cell = output[place], after
    return found


def _terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    """What each hidden state becomes as the element moves is what its gradient counts for."""
    steps, weights = lstm_steps(n), _weights(n)
    unit = np.zeros(n.shape(slot))
    unit[index] = 1.0
    moved: dict[int, Any] = {slot: [unit[step.place] for step in steps] if slot == 0 else unit}
    states = (np.shape(steps[0].h), np.shape(steps[0].before))
    told = [(step.x, step.h, step.gates, step.before, step.after) for step in steps]
    by_step, dh, dc = lstm_tangent(told, weights, states, moved)
    whole = np.zeros(n.saved_shape("result0"))
    for step, part in zip(steps, by_step, strict=True):
        whole[step.place] = part
    groups = []
    for number, tangent, label in ((0, whole, "through time"), (1, dh, "last state"), (2, dc, "last cell state")):
        if n.has_grad(number):
            spread = np.reshape(tangent, n.grad_shape(number))
            at = np.nonzero(spread)
            groups.append(TermGroup(number, at, spread[at], label))
    return groups


@rule(
    "MkldnnRnnLayerBackward0",
    {
        "input": r"\delta_t \cdot W_{x}",
        "weight0": r"\sum_t \delta_t^\mathsf{T} \cdot x_t",
        "weight1": r"\sum_t \delta_t^\mathsf{T} \cdot h_{t-1}",
        "weight2": r"\sum_t \delta_t",
        "weight3": r"\sum_t \delta_t",
        "hx_": r"\delta_1 \cdot W_{h}",
        "cx_": r"\frac{\partial L}{\partial c_1} \cdot f_1",
    },
    WORDS,
    terms=_terms,
)
def lstm_layer(n: NodeValues) -> dict[int, Array]:
    steps, weights = lstm_steps(n), _weights(n)
    g = n.grad(0)
    dh = n.grad(1, like=n.saved_shape("hx_"))
    dc = n.grad(2, like=n.saved_shape("cx_"))
    deltas: list[Array] = [None] * len(steps)
    for step in reversed(steps):
        delta, dc = lstm_cell_gradients(dh + g[step.place], dc, step.gates, step.before, step.after)
        deltas[step.place] = delta
        dh = carried(delta, weights[1])
    width = np.shape(weights[0])[0]
    rows = np.reshape(np.stack(deltas), (-1, width))
    found = {0: np.reshape(rows @ weights[0], n.saved_shape("input")), 5: dh, 6: dc}
    ordered = sorted(steps, key=lambda step: step.place)
    turned = np.swapaxes(rows, 0, 1)
    for slot, rest in ((1, [step.x for step in ordered]), (2, [step.h for step in ordered])):
        if n.needs(slot):
            found[slot] = turned @ np.reshape(np.stack(rest), (-1, np.shape(weights[slot - 1])[1]))
    for slot in (3, 4):
        if n.needs(slot):
            found[slot] = np.sum(rows, axis=0)
    return {slot: np.reshape(array, n.shape(slot)) for slot, array in found.items() if n.needs(slot)}


@rule(
    "ThnnFusedLstmCellBackward0",
    {
        "input_gates": r"\delta",
        "hidden_gates": r"\delta",
        "cx": r"\frac{\partial L}{\partial c} \cdot f",
        "input_bias": r"\sum_n \delta_n",
        "hidden_bias": r"\sum_n \delta_n",
    },
    "One step of an LSTM: the gradient goes through the gates, each weighed by how far it is open.",
)
def lstm_cell(n: NodeValues) -> dict[int, Array]:
    before, after = n.saved("cx"), n.saved("result1")
    gates = tuple(np.split(n.saved("result2"), 4, axis=-1))
    shape = np.shape(after)
    delta, dc = lstm_cell_gradients(n.grad(0, like=shape), n.grad(1, like=shape), gates, before, after)
    found = {0: delta, 1: delta, 2: dc}
    for slot in (3, 4):
        if n.needs(slot):
            found[slot] = np.sum(delta, axis=0)
    return found


@rule(
    "ThnnFusedGruCellBackward0",
    {
        "input_gates": r"\delta_{r},\ \delta_{z},\ \delta_{n}",
        "hidden_gates": r"\delta_{r},\ \delta_{z},\ r \cdot \delta_{n}",
        "hx": r"G \cdot z",
        "input_bias": r"\sum_n \delta_n",
        "hidden_bias": r"\sum_n \delta_n",
    },
    "One step of a GRU: the gradient goes through the gates, and past them as far as the old state was kept.",
)
def gru_cell(n: NodeValues) -> dict[int, Array]:
    reset, update, new, h, hidden = np.split(n.saved("result1"), 5, axis=-1)
    from_input, from_state, past = gru_cell_gradients(n.grad(), reset, update, new, h, hidden)
    found = {0: from_input, 1: from_state, 2: past}
    for slot, part in ((3, from_input), (4, from_state)):
        if n.needs(slot):
            found[slot] = np.sum(part, axis=0)
    return found
