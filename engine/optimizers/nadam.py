"""NAdam: Adam with Nesterov's momentum (torch.optim.NAdam)."""

from __future__ import annotations

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
    scalar,
    scaled,
)


def nadam(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·(1 − μ_t)/(1 − Πμ)·g/d − γ·μ_{t+1}/(1 − Πμ·μ_{t+1})·m/d with d = √v̂ + ε."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    theta = decay(note, h, param) if h.get("decoupled_weight_decay") else param
    mu = note(r"\mu_t", "momentum", _momentum(h, t), r"\beta_1 (1 - \tfrac12 0.96^{t \psi})", "It grows with time.")
    mu_next = note(r"\mu_{t+1}", "next momentum", _momentum(h, t + 1), r"\beta_1 (1 - \tfrac12 0.96^{(t+1) \psi})")
    before = state.get("mu_product", 1.0)
    product = note(
        r"\textstyle\prod \mu_i", "product of momenta", scalar(mu, before) * before, r"\prod_{i \le t} \mu_i"
    )
    m = note("m_t", "first moment", lerp(state.get("exp_avg", np.zeros_like(g)), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t", "A decaying mean of the gradients: the direction.")  # fmt: skip
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2", "A decaying mean of their squares.")  # fmt: skip
    c2 = note(r"1 - \beta_2^t", "second bias correction", 1 - beta2**t, r"1 - \beta_2^t", "v starts at zero.")
    v_hat = note(r"\hat v_t", "corrected second moment", v / scalar(c2, v), r"v_t / (1 - \beta_2^t)")
    d = note(r"\sqrt{\hat v_t} + \epsilon", "denominator", np.sqrt(v_hat) + h["eps"], r"\sqrt{\hat v_t} + \epsilon")
    of_g = note("a_t", "rate of the gradient", h["lr"] * (1 - mu) / (1 - product),
                r"\gamma (1 - \mu_t) / (1 - \prod_{i \le t} \mu_i)")  # fmt: skip
    of_m = note("b_t", "rate of the momentum", h["lr"] * mu_next / (1 - product * mu_next),
                r"\gamma \mu_{t+1} / (1 - \prod_{i \le t+1} \mu_i)")  # fmt: skip
    first = note(
        r"\Delta_t^g", "step along the gradient", scaled(of_g, g) / d, r"a_t\, g_t / (\sqrt{\hat v_t} + \epsilon)"
    )
    second = note(r"\Delta_t^m", "step along the momentum", scaled(of_m, m) / d,
                  r"b_t\, m_t / (\sqrt{\hat v_t} + \epsilon)")  # fmt: skip
    after = note(r"\theta_t", "parameter", theta - first - second, rf"{note.symbol(theta)} - \Delta_t^g - \Delta_t^m")
    return note.update(after, step=t, mu_product=product, exp_avg=m, exp_avg_sq=v)


def _momentum(h: Hyperparameters, t: Array) -> Array:
    return h["betas"][0] * (1 - 0.5 * 0.96 ** (t * h.get("momentum_decay", 4e-3)))


NADAM = Optimizer(
    name="NAdam",
    rule=nadam,
    formulas=(
        r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}",
        r"\mu_t \leftarrow \beta_1 (1 - \tfrac12 0.96^{t \psi})",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t",
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
        r"\hat m_t \leftarrow \frac{\mu_{t+1} m_t}{1 - \prod_{i=1}^{t+1} \mu_i} "
        r"+ \frac{(1 - \mu_t)\, g_t}{1 - \prod_{i=1}^t \mu_i}",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, \hat m_t / (\sqrt{\hat v_t} + \epsilon)",
    ),
    remembers={
        "step": "how many updates there were",
        "mu_product": "the product of all momenta so far, for the bias correction",
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_avg_sq": "v: a decaying mean of the squared gradients",
    },
    paper="Dozat, Incorporating Nesterov Momentum into Adam, 2016",
)
