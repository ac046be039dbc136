"""NAdamW: AdamW that averages the gradient in once more (timm)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.adam import second_moment
from engine.optimizers.elsewhere.shared import CORRECTED, SCHEDULED, cautious, corrected_decay
from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, State, Update, gradient, lerp, scaled


def nadamw(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − γλ)·θ − γ·(β₁m + (1 − β₁)g) / c₁ / (√v̂ + ε)."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, {"maximize": h.get("maximize")}, param, grad)
    theta = corrected_decay(note, h, param)
    m = note("m_t", "first moment", lerp(state.get("exp_avg", np.zeros_like(g)), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t")  # fmt: skip
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2")  # fmt: skip
    u = note("u_t", "look ahead", lerp(m, g, 1 - beta1), r"\beta_1 m_t + (1 - \beta_1)\, g_t",
             "The moment as it will be if the next gradient is the same: Nesterov's look ahead.")  # fmt: skip
    d = note(r"\sqrt{\hat v_t} + \epsilon", "denominator", np.sqrt(v) / (1 - beta2**t) ** 0.5 + h["eps"],
             r"\sqrt{v_t} / \sqrt{1 - \beta_2^t} + \epsilon")  # fmt: skip
    step = note(r"\Delta_t", "step", scaled(h["lr"] / (1 - beta1**t), cautious(note, h, u, g)) / d,
                r"\gamma\, u_t / (1 - \beta_1^t) / (\sqrt{\hat v_t} + \epsilon)")  # fmt: skip
    after = note(r"\theta_t", "parameter", theta - step, r"(1 - \gamma \lambda)\, \theta_{t-1} - \Delta_t")
    return note.update(after, step=t, exp_avg=m, exp_avg_sq=v)


NADAMW = Optimizer(
    name="NAdamW",
    rule=nadamw,
    formulas=(
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t",
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
        r"\theta_t \leftarrow (1 - \gamma \lambda)\, \theta_{t-1} "
        r"- \gamma\, \frac{\beta_1 m_t + (1 - \beta_1)\, g_t}{(1 - \beta_1^t) (\sqrt{\hat v_t} + \epsilon)}",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_avg_sq": "v: a decaying mean of the squared gradients",
    },
    paper="Dozat, Incorporating Nesterov Momentum into Adam, 2016; Loshchilov and Hutter, 2017",
    modules=("timm.optim.nadamw",),
    options=SCHEDULED | CORRECTED | {"betas", "eps", "caution", "maximize", "foreach"},
)
