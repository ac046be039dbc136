"""AdaBelief: Adam that divides by how far gradients are from what was expected of them (timm)."""

from __future__ import annotations

import math

import numpy as np

from engine.optimizers.adam import second_moment
from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    decay,
    gradient,
    lerp,
    scaled,
)
from engine.optimizers.radam import rectification


def adabelief(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·m̂ / (√ŝ + ε), with s the mean of (g − m)²; rectified as RAdam, if asked for."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    theta, penalty = param, h.get("weight_decay", 0)
    if h.get("decoupled_decay"):
        penalty = 0
        theta = decay(note, {**h, "lr": 1.0} if h.get("fixed_decay") else h, param)
    g = gradient(note, {"weight_decay": penalty}, param, grad)
    m = note("m_t", "first moment", lerp(state.get("exp_avg", np.zeros_like(g)), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t", "What is expected of a gradient.")  # fmt: skip
    away = note("r_t", "surprise", g - m, "g_t - m_t")
    s = note("s_t", "mean surprise", second_moment(beta2, state.get("exp_avg_var", np.zeros_like(g)), away),
             r"\beta_2 s_{t-1} + (1 - \beta_2)\, (g_t - m_t)^2", "Large where gradients surprise.")  # fmt: skip
    s = note("s_t", "mean surprise", s + h["eps"], r"s_t + \epsilon", "What is added stays.")
    kept = {"step": t, "exp_avg": m, "exp_avg_var": s}
    if h.get("amsgrad"):
        s = note(r"s^\text{max}_t", "largest surprise", np.maximum(state.get("max_exp_avg_var", np.zeros_like(g)), s),
                 r"\max(s^\text{max}_{t-1}, s_t)")  # fmt: skip
        kept["max_exp_avg_var"] = s
    step = (
        _rectified(note, h, float(t), m, kept["exp_avg_var"]) if h.get("rectify") else _plain(note, h, float(t), m, s)
    )
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, **kept)


def _plain(note: Notes, h: Hyperparameters, t: float, m: Array, s: Array) -> Array:
    beta1, beta2 = h["betas"]
    d = note(r"\sqrt{\hat s_t} + \epsilon", "denominator", np.sqrt(s) / math.sqrt(1 - beta2**t) + h["eps"],
             r"\sqrt{s_t} / \sqrt{1 - \beta_2^t} + \epsilon")  # fmt: skip
    return note(r"\Delta_t", "step", scaled(h["lr"] / (1 - beta1**t), m) / d,
                r"\gamma\, \hat m_t / (\sqrt{\hat s_t} + \epsilon)")  # fmt: skip


def _rectified(note: Notes, h: Hyperparameters, t: float, m: Array, s: Array) -> Array:
    """RAdam's: without the division, as long as too few gradients were seen to trust it."""
    beta1, beta2 = h["betas"]
    most = 2 / (1 - beta2) - 1
    seen = note(r"\rho_t", "gradients seen", most - 2 * t * beta2**t / (1 - beta2**t),
                r"\rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)", "From 5 on, their spread is known.")  # fmt: skip
    mean = note(r"\hat m_t", "mean gradient", scaled(h["lr"] / (1 - beta1**t), m), r"\gamma\, m_t / (1 - \beta_1^t)")
    if seen < 5:
        steps = mean if h.get("degenerated_to_sgd", True) else 0.0 * mean
        return note(r"\Delta_t", "step", steps, r"\gamma\, \hat m_t")
    scale = note("r_t", "rectification", math.sqrt(1 - beta2**t) * float(rectification(seen, most)),
                 r"\sqrt{(1 - \beta_2^t) \frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}"
                 r"{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}")  # fmt: skip
    d = note(r"\sqrt{s_t} + \epsilon", "denominator", np.sqrt(s) + h["eps"], r"\sqrt{s_t} + \epsilon")
    return note(r"\Delta_t", "step", scaled(scale, mean) / d, r"r_t\, \hat m_t / (\sqrt{s_t} + \epsilon)")


ADABELIEF = Optimizer(
    name="AdaBelief",
    rule=adabelief,
    formulas=(
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t",
        r"s_t \leftarrow \beta_2 s_{t-1} + (1 - \beta_2)\, (g_t - m_t)^2 + \epsilon",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, \hat m_t / (\sqrt{\hat s_t} + \epsilon)",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_avg_var": "s: a decaying mean of how far they were from it, squared",
        "max_exp_avg_var": "the largest s so far, with AMSGrad",
    },
    paper="Zhuang et al., AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients, 2020",
    modules=("timm.optim.adabelief",),
    options=frozenset(
        {"lr", "betas", "eps", "weight_decay", "amsgrad", "decoupled_decay", "fixed_decay", "rectify"}
        | {"degenerated_to_sgd", "foreach", "initial_lr", "lr_scale"}
    ),
)
