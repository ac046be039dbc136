"""ADOPT: a gradient is divided by the size of those before it, and only then averaged (timm)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.adam import second_moment
from engine.optimizers.elsewhere.shared import CORRECTED, SCHEDULED, cautious, corrected_decay
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
    value_of,
)


def adopt(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·m, with m the mean of clip(g / max(√v, ε)), and v without the present gradient."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    decoupled = bool(h.get("decoupled"))
    g = gradient(note, {**h, "weight_decay": 0 if decoupled else h.get("weight_decay", 0)}, param, grad)
    m, v = (state.get(key, np.zeros_like(g)) for key in ("exp_avg", "exp_avg_sq"))
    if float(value_of(t)) == 1:
        v = note("v_t", "second moment", v + g * g, "g_t^2", "The first gradient is only looked at.")
        return note.update(note(r"\theta_t", "parameter", param, r"\theta_{t-1}"), step=t, exp_avg=m, exp_avg_sq=v)
    theta = corrected_decay(note, h, param) if decoupled else param
    u = note("u_t", "normed gradient", g / np.maximum(np.sqrt(v), h["eps"]), r"g_t / \max(\sqrt{v_{t-1}}, \epsilon)",
             "By what was known before: the gradient does not hold itself back.")  # fmt: skip
    if h.get("clip_exp") is not None:
        most = (float(value_of(t)) - 1) ** h["clip_exp"]
        u = note("u_t", "clipped gradient", np.clip(u, -most, most), r"\text{clip}(u_t, \pm (t - 1)^c)")
    m = note("m_t", "first moment", lerp(m, u, 1 - beta1), r"\beta_1 m_{t-1} + (1 - \beta_1)\, u_t")
    step = note(r"\Delta_t", "step", scaled(h["lr"], cautious(note, h, m, g)), r"\gamma\, m_t")
    v = note("v_t", "second moment", second_moment(beta2, v, g), r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2")
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, step=t, exp_avg=m, exp_avg_sq=v)


ADOPT = Optimizer(
    name="Adopt",
    rule=adopt,
    formulas=(
        r"v_1 \leftarrow g_1^2",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, "
        r"\text{clip}(g_t / \max(\sqrt{v_{t-1}}, \epsilon), \pm (t - 1)^c)",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, m_t",
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the normed gradients",
        "exp_avg_sq": "v: a decaying mean of the squared gradients",
    },
    paper="Taniguchi et al., ADOPT: Modified Adam Can Converge with Any β2 with the Optimal Rate, 2024",
    modules=("timm.optim.adopt",),
    options=SCHEDULED | CORRECTED | {"betas", "eps", "clip_exp", "decoupled", "caution", "maximize", "foreach"},
)
