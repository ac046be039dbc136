"""SGDW and LARS: gradient descent with decoupled weight decay, or with steps as long as the parameter is (timm)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.elsewhere.shared import CORRECTED, SCHEDULED, cautious, corrected_decay
from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    gradient,
    is_zero,
    value_of,
)
from engine.optimizers.sgd import descend, direction

_SGD = SCHEDULED | {"momentum", "dampening", "weight_decay", "nesterov", "foreach"}
_REMEMBERS = {"momentum_buffer": "a decaying sum of all gradients so far; nothing at all without momentum"}


def sgdw(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − γλ)·θ − γ·u, with SGD's direction u."""
    g = gradient(note, {"maximize": h.get("maximize")}, param, grad)
    theta = corrected_decay(note, h, param)
    u, kept = direction(note, h, g, state)
    if kept:  # without momentum, the direction is the gradient, and agrees with it
        u = cautious(note, h, u, g)
    return note.update(descend(note, h, theta, u), **kept)


def lars(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·u, with SGD's direction of gradients as long as the parameter is: φ·(g + λθ)."""
    g = gradient(note, {"weight_decay": h.get("weight_decay", 0)}, param, grad)
    if not is_zero(h.get("weight_decay", 0)) or h.get("always_adapt"):
        g = note(r"\hat g_t", "adapted gradient", _trust(note, h, param, grad) * g, r"\phi_t\, g_t")
    u, kept = direction(note, h, g, state)
    return note.update(descend(note, h, param, u), **kept)


def _trust(note: Notes, h: Hyperparameters, param: Array, grad: Array) -> Array:
    """How long a gradient counts as: as the parameter is. 1 if either has no length."""
    length, size = np.sqrt((param * param).sum()), np.sqrt((grad * grad).sum())
    ratio: Array = 1.0
    if value_of(length) > 0 and value_of(size) > 0:
        ratio = h["trust_coeff"] * length / (size + length * h.get("weight_decay", 0) + h["eps"])
    if h.get("trust_clip"):
        ratio = np.minimum(ratio / h["lr"], 1.0)
    return note(r"\phi_t", "trust ratio", ratio,
                r"\eta\, \|\theta_{t-1}\| / (\|g_t\| + \lambda \|\theta_{t-1}\| + \epsilon)",
                "Layer by layer: the step is as long as the parameter, times the trust coefficient.")  # fmt: skip


SGDW = Optimizer(
    name="SGDW",
    rule=sgdw,
    formulas=(
        r"b_t \leftarrow \mu\, b_{t-1} + (1 - \tau)\, g_t, \quad b_1 = g_1",
        r"u_t \leftarrow g_t + \mu\, b_t \;\text{(nesterov)}, \quad u_t \leftarrow b_t \;\text{(else)}",
        r"\theta_t \leftarrow (1 - \gamma \lambda)\, \theta_{t-1} - \gamma\, u_t",
    ),
    remembers=_REMEMBERS,
    paper="Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2017",
    modules=("timm.optim.sgdw",),
    options=_SGD | CORRECTED | {"caution", "maximize"},
)
LARS = Optimizer(
    name="Lars",
    rule=lars,
    formulas=(
        r"\phi_t \leftarrow \eta\, \|\theta_{t-1}\| / (\|g_t\| + \lambda \|\theta_{t-1}\| + \epsilon)",
        r"b_t \leftarrow \mu\, b_{t-1} + (1 - \tau)\, \phi_t\, (g_t + \lambda \theta_{t-1})",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, b_t",
    ),
    remembers=_REMEMBERS,
    paper="You et al., Large Batch Training of Convolutional Networks, 2017",
    modules=("timm.optim.lars",),
    options=_SGD | {"trust_coeff", "eps", "trust_clip", "always_adapt"},
)
