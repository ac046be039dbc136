"""LaProp and NovoGrad: gradients are divided by their size first, and then averaged (timm)."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.optimizers.adam import second_moment
from engine.optimizers.elsewhere.shared import CORRECTED, SCHEDULED, cautious, corrected, corrected_decay
from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    gradient,
    is_zero,
    scalar,
    scaled,
    value_of,
)


def laprop(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − γλ)·(θ − m / c₁), with m the mean of γ·g / (√v̂ + ε)."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, {}, param, grad)
    rates = note("c_1", "mean rate", state.get("exp_avg_lr_1", 0.0) * beta1 + (1 - beta1) * h["lr"],
                 r"\beta_1 c_1 + (1 - \beta_1)\, \gamma", "How much of the moment has been filled.")  # fmt: skip
    filled = note("c_2", "second bias correction", state.get("exp_avg_lr_2", 0.0) * beta2 + (1 - beta2),
                  r"\beta_2 c_2 + 1 - \beta_2")  # fmt: skip
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2")  # fmt: skip
    d = note(r"\sqrt{\hat v_t} + \epsilon", "denominator", np.sqrt(v / scalar(filled, v)) + h["eps"],
             r"\sqrt{v_t / c_2} + \epsilon")  # fmt: skip
    m = note("m_t", "first moment", scaled(beta1, state.get("exp_avg", np.zeros_like(g)))
             + scaled(h["lr"] * (1 - beta1), g / d),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, \gamma\, g_t / (\sqrt{\hat v_t} + \epsilon)",
             "Every gradient counts by its own size, not by that of those that come later.")  # fmt: skip
    size = h["lr"] / rates if float(value_of(rates)) else 0.0
    theta = param - note(r"\Delta_t", "step", scaled(size, cautious(note, h, m, g)), r"\gamma\, m_t / c_1")
    after = note(r"\theta_t", "parameter", _shrunk(h, theta), r"(1 - \gamma \lambda) (\theta_{t-1} - \Delta_t)")
    return note.update(after, step=t, exp_avg=m, exp_avg_sq=v, exp_avg_lr_1=rates, exp_avg_lr_2=filled)


def _shrunk(h: Hyperparameters, theta: Array) -> Array:
    """Weight decay after the step."""
    if is_zero(h.get("weight_decay", 0)):
        return theta
    return theta - scaled(h["lr"] * corrected(h)["weight_decay"], theta)


def novograd(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·m, with m the sum of g / (√v + ε) + λθ, and v the mean of ‖g‖²: one number."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, {}, param, grad)
    before = state.get("exp_avg_sq", 0.0)
    square = (g * g).sum()
    v = square if is_zero(before) else scaled(beta2, before) + (1 - beta2) * square
    v = note("v_t", "second moment", v, r"\beta_2 v_{t-1} + (1 - \beta_2)\, \|g_t\|^2", "Of the whole parameter.")
    kept: dict[str, Any] = {"step": t, "exp_avg_sq": v}
    if h.get("amsgrad"):
        v = note(r"v_t^{\max}", "largest second moment", np.maximum(state.get("max_exp_avg_sq", 0.0), v),
                 r"\max(v_{t-1}^{\max}, v_t)")  # fmt: skip
        kept["max_exp_avg_sq"] = v
    u = note("u_t", "gradient of length one", g / (np.sqrt(v) + h["eps"]), r"g_t / (\sqrt{v_t} + \epsilon)")
    theta = param
    if h.get("decoupled_decay"):
        theta = corrected_decay(note, h, param)
    elif not is_zero(h.get("weight_decay", 0)):
        u = note(
            "u_t", "direction with weight decay", u + scaled(h["weight_decay"], param), r"u_t + \lambda \theta_{t-1}"
        )
    if h.get("grad_averaging"):
        u = scaled(1 - beta1, u)
    m = note("m_t", "first moment", scaled(beta1, state.get("exp_avg", np.zeros_like(g))) + u, r"\beta_1 m_{t-1} + u_t")
    step = note(r"\Delta_t", "step", scaled(h["lr"], m), r"\gamma\, m_t")
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, exp_avg=m, **kept)


LAPROP = Optimizer(
    name="LaProp",
    rule=laprop,
    formulas=(
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, \gamma\, g_t / (\sqrt{\hat v_t} + \epsilon)",
        r"\theta_t \leftarrow (1 - \gamma \lambda) (\theta_{t-1} - m_t / (1 - \beta_1^t))",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the gradients, each divided by its size",
        "exp_avg_sq": "v: a decaying mean of the squared gradients",
        "exp_avg_lr_1": "a decaying mean of the learning rates, by which m is corrected",
        "exp_avg_lr_2": "by how much v is too small",
    },
    paper="Ziyin et al., LaProp: Separating Momentum and Adaptivity in Adam, 2020",
    modules=("timm.optim.laprop",),
    options=SCHEDULED | CORRECTED | {"betas", "eps", "caution", "foreach"},
)
NOVOGRAD = Optimizer(
    name="NvNovoGrad",
    rule=novograd,
    formulas=(
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, \|g_t\|^2, \quad v_1 = \|g_1\|^2",
        r"m_t \leftarrow \beta_1 m_{t-1} + g_t / (\sqrt{v_t} + \epsilon) + \lambda \theta_{t-1}",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, m_t",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying sum of the gradients, each of length one",
        "exp_avg_sq": "v: a decaying mean of the squared length of the gradient",
        "max_exp_avg_sq": "the largest v so far, with AMSGrad",
    },
    paper="Ginsburg et al., Stochastic Gradient Methods with Layer-wise Adaptive Moments, 2019",
    modules=("timm.optim.nvnovograd",),
    options=SCHEDULED | CORRECTED | {"betas", "eps", "grad_averaging", "amsgrad", "decoupled_decay"},
)
