"""RAdam: Adam whose adaptive step waits until the variance of v can be told (torch.optim.RAdam)."""

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
    value_of,
)

_LEAST_LENGTH = 5.0


def radam(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·m̂·r·l with the rectification r and l = √(1 − β₂ᵗ)/(√v + ε), or θ − γ·m̂ while ρ ≤ 5."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    theta = decay(note, h, param) if h.get("decoupled_weight_decay") else param
    m = note("m_t", "first moment", lerp(state.get("exp_avg", np.zeros_like(g)), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t", "A decaying mean of the gradients: the direction.")  # fmt: skip
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2", "A decaying mean of their squares.")  # fmt: skip
    c1 = note(r"1 - \beta_1^t", "first bias correction", 1 - beta1**t, r"1 - \beta_1^t")
    c2 = note(r"1 - \beta_2^t", "second bias correction", 1 - beta2**t, r"1 - \beta_2^t")
    m_hat = note(r"\hat m_t", "corrected first moment", m / scalar(c1, m), r"m_t / (1 - \beta_1^t)")
    longest = note(r"\rho_\infty", "longest average", 2 / (1 - beta2) - 1, r"2 / (1 - \beta_2) - 1")
    rho = note(r"\rho_t", "length of the average", longest - 2 * t * beta2**t / c2,
               r"\rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)",
               "How many gradients v really averages: below 5 its variance is not known.")  # fmt: skip
    step, formula = scaled(h["lr"], m_hat), r"\gamma\, \hat m_t"
    if value_of(rho) > _LEAST_LENGTH:
        step, formula = step * _adaptive(note, h, v, c2, rho, longest), r"\gamma\, \hat m_t r_t l_t"
    note(r"\Delta_t", "step", step, formula)
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, step=t, exp_avg=m, exp_avg_sq=v)


def _adaptive(note: Notes, h: Hyperparameters, v: Array, c2: Array, rho: Array, longest: Array) -> Array:
    rate = note("l_t", "adaptive learning rate", scalar(np.sqrt(c2), v) / (np.sqrt(v) + h["eps"]),
                r"\sqrt{1 - \beta_2^t} / (\sqrt{v_t} + \epsilon)")  # fmt: skip
    r = rectification(rho, longest)
    note("r_t", "variance rectification", r,
         r"\sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}",
         "Holds the step back while v rests on few gradients.")  # fmt: skip
    return scaled(_number(r), rate)


def rectification(rho: Array, longest: Array) -> Array:
    """√((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ)) for averages of length `rho` > 4 (Liu et al. 2019, algorithm 2)."""
    return np.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))


def _number(value: Array) -> Array:
    """A NumPy number as Python's, so that it is taken for a factor."""
    return float(value) if isinstance(value, np.floating) else value


RADAM = Optimizer(
    name="RAdam",
    rule=radam,
    formulas=(
        r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \quad \hat m_t \leftarrow m_t / (1 - \beta_1^t)",
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
        r"\rho_t \leftarrow \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t), \quad \rho_\infty = 2 / (1 - \beta_2) - 1",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, \hat m_t r_t l_t \;(\rho_t > 5), \quad "
        r"\theta_{t-1} - \gamma\, \hat m_t \;\text{(else)}",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_avg_sq": "v: a decaying mean of the squared gradients",
    },
    paper="Liu et al., On the variance of the adaptive learning rate and beyond, 2019",
)
