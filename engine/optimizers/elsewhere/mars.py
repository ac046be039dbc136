"""MARS: Adam, or Lion, of gradients from which much of their variance has been taken (timm)."""

from __future__ import annotations

import math

import numpy as np

from engine.optimizers.adam import second_moment
from engine.optimizers.elsewhere.shared import SCHEDULED, cautious
from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    gradient,
    lerp,
    scaled,
    sign,
)


def mars(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·(m̂ / (√v̂ + ε) + λθ), of c = g + κ·β₁/(1 − β₁)·(g − g'), with g' the gradient before."""
    t = state.get("step", 0) + 1
    note("t", "step count", t, "t + 1")
    g = gradient(note, {}, param, grad)
    (beta1, beta2), c, whole = h["betas"], g, h.get("optimize_1d") or g.ndim > 1
    if whole and t > 1:
        change = scaled(h["gamma"] * (beta1 / (1 - beta1)), g - state["last_grad"])
        c = note("c_t", "corrected gradient", change + g, r"g_t + \kappa \frac{\beta_1}{1 - \beta_1} (g_t - g_{t-1})",
                 "What changed between two gradients is signal, more than noise.")  # fmt: skip
    if whole:
        c = note("c_t", "clipped gradient", c / np.maximum(np.sqrt((c * c).sum()), 1.0), r"c_t / \max(1, \|c_t\|)")
    else:
        beta1, beta2 = h["betas_1d"]
    before, squares = (state.get(key, np.zeros_like(g)) for key in ("exp_avg", "exp_avg_sq"))
    m = note("m_t", "first moment", lerp(before, c, 1 - beta1), r"\beta_1 m_{t-1} + (1 - \beta_1)\, c_t")
    u, v = cautious(note, h, m, g), squares
    if whole and h["mars_type"] == "lion":
        u = sign(u)
    else:
        v = note("v_t", "second moment", second_moment(beta2, squares, c), r"\beta_2 v_{t-1} + (1 - \beta_2)\, c_t^2")
        u = scaled(1 / (1 - beta1**t), u) / (np.sqrt(v) / math.sqrt(1 - beta2**t) + h["eps"])
    u = note("u_t", "direction", u + scaled(h["weight_decay"], param), r"u_t + \lambda \theta_{t-1}")
    rate = h["lr"] if whole else h["lr"] * h["lr_1d_factor"]
    after = note(r"\theta_t", "parameter", param - scaled(rate, u), r"\theta_{t-1} - \gamma\, u_t")
    return note.update(after, step=t, exp_avg=m, exp_avg_sq=v, last_grad=grad)


MARS = Optimizer(
    name="Mars",
    rule=mars,
    formulas=(
        r"c_t \leftarrow g_t + \kappa \frac{\beta_1}{1 - \beta_1} (g_t - g_{t-1}), \quad "
        r"c_t \leftarrow c_t / \max(1, \|c_t\|)",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, c_t, \quad "
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, c_t^2",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma \left( \hat m_t / (\sqrt{\hat v_t} + \epsilon) "
        r"+ \lambda \theta_{t-1} \right)",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the corrected gradients",
        "exp_avg_sq": "v: a decaying mean of their squares",
        "last_grad": "the gradient of the step before",
    },
    paper="Yuan et al., MARS: Unleashing the Power of Variance Reduction for Training Large Models, 2024",
    modules=("timm.optim.mars",),
    options=SCHEDULED
    | {"betas", "eps", "weight_decay", "gamma", "mars_type", "optimize_1d", "lr_1d_factor", "betas_1d", "caution"},
)
