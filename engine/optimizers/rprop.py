"""Rprop: only the gradient's sign counts; each element has a step size of its own (torch.optim.Rprop)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Bounded
from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    gradient,
    scalar,
    scaled,
    value_of,
)

_DTYPE_OF_UNIT: dict[float, Any] = {2.0**-24: np.float32, 2.0**-11: np.float16, 2.0**-8: np.float32}


def rprop(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − sign(g)·η, with η grown where the sign stayed and shrunk where it turned."""
    shrink, grow = h.get("etas", (0.5, 1.2))
    least, most = h.get("step_sizes", (1e-6, 50))
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, {"maximize": h.get("maximize")}, param, grad)
    before = state.get("prev", np.zeros_like(g))
    size = state.get("step_size", np.zeros_like(g) + scalar(h["lr"], g))
    agreement = note(r"\text{sign}(g_t g_{t-1})", "agreement", _sign_of_product(g, before),
                     r"\text{sign}(g_t g_{t-1})",
                     "1: the same direction as before; −1: it jumped over a valley.")  # fmt: skip
    changed = np.where(agreement > 0, scaled(grow, size), np.where(agreement < 0, scaled(shrink, size), size))
    size = note(r"\eta_t", "step size", np.minimum(np.maximum(changed, least), most),
                r"\text{clip}(\eta_{t-1} \cdot \{\eta^+, 1, \eta^-\}, \Gamma_{min}, \Gamma_{max})")  # fmt: skip
    g = note("g_t", "gradient that counts", np.where(agreement < 0, 0.0, g), r"g_t \text{ or } 0",
             "Where the sign turned, this update stands still.")  # fmt: skip
    step = note(r"\Delta_t", "step", np.sign(value_of(g)) * size, r"\text{sign}(g_t)\, \eta_t")
    after = note(r"\theta_t", "parameter", param - step, r"\theta_{t-1} - \Delta_t")
    return note.update(after, step=t, prev=g, step_size=size)


def _sign_of_product(a: Array, b: Array) -> npt.NDArray[np.float64]:
    """Of two recorded arrays; 0 too where the product is too small for the dtype."""
    unit = a.unit if isinstance(a, Bounded) else 0.0
    dtype = _DTYPE_OF_UNIT.get(unit, np.float64)
    with np.errstate(all="ignore"):
        product = np.asarray(value_of(a)).astype(dtype) * np.asarray(value_of(b)).astype(dtype)
        return np.asarray(np.sign(product), dtype=np.float64)


RPROP = Optimizer(
    name="Rprop",
    rule=rprop,
    formulas=(
        r"\eta_t \leftarrow \min(\eta_{t-1} \eta^+, \Gamma_{max}) \;\text{if } g_t g_{t-1} > 0",
        r"\eta_t \leftarrow \max(\eta_{t-1} \eta^-, \Gamma_{min}), \; g_t \leftarrow 0 \;\text{if } g_t g_{t-1} < 0",
        r"\theta_t \leftarrow \theta_{t-1} - \text{sign}(g_t)\, \eta_t",
    ),
    remembers={
        "step": "how many updates there were",
        "prev": "the gradient of the update before",
        "step_size": "η: how far each element moves",
    },
    paper="Riedmiller and Braun, A direct adaptive method for faster backpropagation learning: RPROP, 1993",
)
