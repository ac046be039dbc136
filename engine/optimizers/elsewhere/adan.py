"""Adan: Adam with Nesterov's look ahead, taken from how the gradient changes (timm)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.adam import second_moment
from engine.optimizers.elsewhere.shared import cautious
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
    stored,
    value_of,
)


def adan(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (θ − γ·(m̂ + β₂·v̂) / (√n̂ + ε)) / (1 + γλ), with v the mean change of the gradient."""
    beta1, beta2, beta3 = h["betas"]
    t = float(value_of(h.get("step", 0))) + 1
    g = gradient(note, {}, param, grad)
    zeros = np.zeros_like(g)
    before = state["neg_pre_grad"] if t > 1 and "neg_pre_grad" in state else -g
    change = note(r"\delta_t", "change of the gradient", before + g, r"g_t - g_{t-1}", "Zero at the first step.")
    m = note("m_t", "first moment", lerp(state.get("exp_avg", zeros), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t")  # fmt: skip
    v = note("v_t", "mean change", scaled(beta2, state.get("exp_avg_diff", zeros)) + scaled(1 - beta2, change),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, \delta_t")  # fmt: skip
    ahead = note("g_t'", "gradient ahead", scaled(beta2, change) + g, r"g_t + \beta_2 \delta_t",
                 "Where the gradient is heading, as Nesterov looks ahead.")  # fmt: skip
    n = note("n_t", "second moment", second_moment(beta3, state.get("exp_avg_sq", zeros), ahead),
             r"\beta_3 n_{t-1} + (1 - \beta_3)\, g_t'^2")  # fmt: skip
    denominator = note(r"\sqrt{\hat n_t} + \epsilon", "denominator", np.sqrt(n) / (1 - beta3**t) ** 0.5 + h["eps"],
                       r"\sqrt{n_t} / \sqrt{1 - \beta_3^t} + \epsilon")  # fmt: skip
    along = scaled(h["lr"] / (1 - beta1**t), cautious(note, h, m, g)) / denominator
    along = note(r"\Delta_t", "step along the mean", along,
                 r"\gamma\, \hat m_t / (\sqrt{\hat n_t} + \epsilon)")  # fmt: skip
    on = note(r"\Delta_t'", "step along the change", scaled(h["lr"] * beta2 / (1 - beta2**t), v) / denominator,
              r"\gamma \beta_2\, \hat v_t / (\sqrt{\hat n_t} + \epsilon)")  # fmt: skip
    shrunk = h["lr"] * h.get("weight_decay", 0)
    theta = scaled(1 - shrunk, param) if h.get("no_prox") and not is_zero(shrunk) else param
    moved = theta - along - on
    proximal = not h.get("no_prox") and not is_zero(shrunk)
    after = note(r"\theta_t", "parameter", moved / (1 + shrunk) if proximal else moved,
                 r"(\theta_{t-1} - \Delta_t - \Delta_t') / (1 + \gamma \lambda)" if proximal else
                 r"(1 - \gamma \lambda)\, \theta_{t-1} - \Delta_t - \Delta_t'")  # fmt: skip
    return note.update(after, exp_avg=m, exp_avg_sq=n, exp_avg_diff=stored(v), neg_pre_grad=-g)


ADAN = Optimizer(
    name="Adan",
    rule=adan,
    formulas=(
        r"\delta_t \leftarrow g_t - g_{t-1}",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \quad "
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, \delta_t",
        r"n_t \leftarrow \beta_3 n_{t-1} + (1 - \beta_3)\, (g_t + \beta_2 \delta_t)^2",
        r"\theta_t \leftarrow (\theta_{t-1} - \gamma\, (\hat m_t + \beta_2 \hat v_t) / (\sqrt{\hat n_t} + \epsilon)) "
        r"/ (1 + \gamma \lambda)",
    ),
    remembers={
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_avg_diff": "v: a decaying mean of how the gradient changes",
        "exp_avg_sq": "n: a decaying mean of the squares of the gradient ahead",
        "neg_pre_grad": "the gradient of the step before, with the sign turned",
    },
    paper="Xie et al., Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models, 2022",
    modules=("timm.optim.adan",),
    options=frozenset({"lr", "betas", "eps", "weight_decay", "no_prox", "foreach", "step", "initial_lr", "lr_scale"})
    | {"caution"},
)
