"""LSTM: plain functions of arrays, or of `Bounded`. Gates come in PyTorch's order: input, forget, cell, output."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic.bounded import Array, Bounded, roundings, value_of


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(value_of(x) >= 0, 1.0, small) / (1.0 + small)


def lstm_gates(x: Array, h: Array, weights: tuple[Array, ...]) -> tuple[Array, ...]:
    """The four gates of one step. `weights`: of the input (4H, I), of the state (4H, H), and their biases, if any."""
    total = x @ np.swapaxes(weights[0], 0, 1) + h @ np.swapaxes(weights[1], 0, 1)
    for bias in weights[2:]:
        total = total + bias
    i, f, g, o = np.split(total, 4, axis=-1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


def lstm_cell_gradients(
    dh: Array, dc: Array, gates: tuple[Array, ...], before: Array, after: Array
) -> tuple[Array, Array]:
    """The gradients of what entered the four gates, side by side, and of the cell state before the step.

    `dh`, `dc`: those of the hidden and of the cell state after it. `before`, `after`: the cell state.
    """
    i, f, g, o = gates
    bent = np.tanh(after)
    of_cell = dc + dh * o * (1.0 - bent * bent)
    parts = (
        of_cell * g * i * (1.0 - i),
        of_cell * before * f * (1.0 - f),
        of_cell * i * (1.0 - g * g),
        dh * bent * o * (1.0 - o),
    )
    return np.concatenate(parts, axis=-1), of_cell * f


def gru_cell_gradients(g: Array, reset: Array, update: Array, new: Array, h: Array, hidden: Array) -> tuple[Array, ...]:
    """The gradients of what entered the gates from the input and from the state, and of the state `h` before the step.

    `new` is the state proposed, `hidden` what the state contributed to it before the reset gate.
    """
    of_update = g * (h - new) * (1.0 - update) * update
    of_new = g * (1.0 - update) * (1.0 - new * new)
    of_reset = of_new * hidden * (1.0 - reset) * reset
    from_input = np.concatenate((of_reset, of_update, of_new), axis=-1)
    from_state = np.concatenate((of_reset, of_update, of_new * reset), axis=-1)
    return from_input, from_state, g * update


def carried(gates: Array, weight: Array) -> Array:
    """`gates @ weight`: the way of a gradient from one step to the one before.

    Errors of a `Bounded` add up like the steps of a random walk here: added up as if all had the same sign, they would
    grow beyond all bounds within some dozen steps, which they do not.
    """
    if not isinstance(gates, Bounded):
        return gates @ weight
    x, w = gates.value, value_of(weight)
    moved = np.sqrt(np.square(gates.errors) @ np.square(w))
    return Bounded(x @ w, roundings(len(w)) * gates.unit * (np.abs(x) @ np.abs(w)) + moved, gates.unit)


def lstm_tangent(
    steps: Any, weights: tuple[Array, ...], states: tuple[Any, ...], moved: dict[int, Any]
) -> tuple[list[Any], Any, Any]:
    """How the hidden states of all steps, and the last hidden and cell state, move as what entered does.

    `steps`: (x, h, gates, cell before, cell after) of each step in the order of time; `states`: shapes of the hidden
    and of the cell state. `moved`: the direction by number of what moves: input, weights, biases, hidden, cell state.
    """
    dh, dc = moved.get(5, np.zeros(states[0])), moved.get(6, np.zeros(states[1]))
    found = []
    for number, (x, h, (i, f, g, o), before, after) in enumerate(steps):
        total = dh @ weights[1].T
        if 0 in moved:
            total = total + moved[0][number] @ weights[0].T
        if 1 in moved:
            total = total + x @ moved[1].T
        if 2 in moved:
            total = total + h @ moved[2].T
        total = total + moved.get(3, 0.0) + moved.get(4, 0.0)
        di, df, dg, do = np.split(total, 4, axis=-1)
        dc = f * dc + before * df * f * (1 - f) + g * di * i * (1 - i) + i * dg * (1 - g * g)
        bent = np.tanh(after)
        dh = bent * do * o * (1 - o) + o * (1 - bent * bent) * dc
        found.append(dh)
    return found, dh, dc
