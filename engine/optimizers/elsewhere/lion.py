"""Lion: steps of one size, along the sign of the momentum (lion-pytorch, timm)."""

from __future__ import annotations

from dataclasses import replace

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
    lerp,
    scaled,
    sign,
)


def lion(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − γλ)·θ − γ·sign(c)."""
    beta1, beta2 = h["betas"]
    before = state.get("exp_avg", np.zeros_like(grad))
    g = gradient(note, {"maximize": h.get("maximize")}, param, grad)
    c = note("c_t", "direction", lerp(before, g, 1 - beta1), r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t",
             "Only its sign counts.")  # fmt: skip
    theta = corrected_decay(note, h, param)
    step = note(r"\Delta_t", "step", scaled(h["lr"], cautious(note, h, sign(c), g)), r"\gamma\, \text{sign}(c_t)",
                "Every element moves by the learning rate.")  # fmt: skip
    after = note(r"\theta_t", "parameter", theta - step, r"(1 - \gamma \lambda)\, \theta_{t-1} - \Delta_t")
    m = note("m_t", "momentum", lerp(before, g, 1 - beta2), r"\beta_2 m_{t-1} + (1 - \beta_2)\, g_t")
    return note.update(after, exp_avg=m)


def _lion_pytorch(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """There λ may be given as the whole factor of the first learning rate; whether, the optimizer keeps to itself."""
    weight_decay = h["weight_decay"]
    if not is_zero(weight_decay) and h["decoupled_wd"]:
        weight_decay = weight_decay / h["_init_lr"]
    return lion(note, {"lr": h["lr"], "betas": h["betas"], "weight_decay": weight_decay}, param, grad, state)


LION = Optimizer(
    name="Lion",
    rule=lion,
    formulas=(
        r"c_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t",
        r"\theta_t \leftarrow (1 - \gamma \lambda)\, \theta_{t-1} - \gamma\, \text{sign}(c_t)",
        r"m_t \leftarrow \beta_2 m_{t-1} + (1 - \beta_2)\, g_t",
    ),
    remembers={"exp_avg": "m: a decaying mean of the gradients"},
    paper="Chen et al., Symbolic Discovery of Optimization Algorithms, 2023",
    modules=("timm.optim.lion",),
    options=SCHEDULED | CORRECTED | {"betas", "maximize", "foreach", "caution"},
)
LION_PYTORCH = replace(
    LION,
    rule=_lion_pytorch,
    modules=("lion_pytorch.lion_pytorch", "lion_pytorch.foreach"),
    options=frozenset({"lr", "betas", "weight_decay", "initial_lr"}),
)
