"""Adamax: Adam with the infinity norm (torch.optim.Adamax)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, State, Update, gradient, lerp, scaled


def adamax(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ/(1 − β₁ᵗ) · m / u."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    m = note("m_t", "first moment", lerp(state.get("exp_avg", np.zeros_like(g)), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t", "A decaying mean of the gradients: the direction.")  # fmt: skip
    decayed = scaled(beta2, state.get("exp_inf", np.zeros_like(g)))
    u = note("u_t", "infinity norm", np.maximum(decayed, np.abs(g) + h["eps"]),
             r"\max(\beta_2 u_{t-1}, |g_t| + \epsilon)",
             "The largest gradient so far, forgotten slowly.")  # fmt: skip
    c = note(r"1 - \beta_1^t", "bias correction", 1 - beta1**t, r"1 - \beta_1^t", "m starts at zero.")
    size = note(r"\gamma_t", "step size", h["lr"] / c, r"\gamma / (1 - \beta_1^t)")
    note(r"\gamma_t / u_t", "effective learning rate", size / u, r"\gamma_t / u_t")
    step = note(r"\Delta_t", "step", scaled(size, m) / u, r"\gamma_t\, m_t / u_t")
    after = note(r"\theta_t", "parameter", param - step, r"\theta_{t-1} - \Delta_t")
    return note.update(after, step=t, exp_avg=m, exp_inf=u)


ADAMAX = Optimizer(
    name="Adamax",
    rule=adamax,
    formulas=(
        r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t",
        r"u_t \leftarrow \max(\beta_2 u_{t-1}, |g_t| + \epsilon)",
        r"\theta_t \leftarrow \theta_{t-1} - \frac{\gamma}{1 - \beta_1^t} \frac{m_t}{u_t}",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_inf": "u: the largest gradient so far, decaying",
    },
    paper="Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014",
)
