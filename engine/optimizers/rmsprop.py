"""RMSprop: steps divided by the usual size of the gradient (torch.optim.RMSprop)."""

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
    gradient,
    is_zero,
    lerp,
    scaled,
)


def rmsprop(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·g / (√v + ε), with the mean of the gradients taken off v (centered) and with momentum."""
    alpha = h.get("alpha", 0.99)
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    v = note("v_t", "mean of squares", second_moment(alpha, state.get("square_avg", np.zeros_like(g)), g),
             r"\alpha v_{t-1} + (1 - \alpha)\, g_t^2", "A decaying mean of the squared gradients.")  # fmt: skip
    kept = {"step": t, "square_avg": v}
    if h.get("centered"):
        mean = note(r"\bar g_t", "mean gradient", lerp(state.get("grad_avg", np.zeros_like(g)), g, 1 - alpha),
                    r"\alpha \bar g_{t-1} + (1 - \alpha)\, g_t")  # fmt: skip
        kept["grad_avg"] = mean
        v = note(r"\tilde v_t", "variance", v - mean * mean, r"v_t - \bar g_t^2", "How much gradients differ.")
    below = rf"\sqrt{{{note.symbol(v)}}} + \epsilon"
    d = note(below, "denominator", np.sqrt(v) + h["eps"], below)
    note(rf"\gamma / ({below})", "effective learning rate", h["lr"] / d, rf"\gamma / ({below})")
    mu = h.get("momentum", 0)
    if is_zero(mu):
        step = note(r"\Delta_t", "step", scaled(h["lr"], g) / d, rf"\gamma\, g_t / ({below})")
    else:
        b = note("b_t", "momentum buffer", scaled(mu, state.get("momentum_buffer", np.zeros_like(g))) + g / d,
                 rf"\mu b_{{t-1}} + g_t / ({below})")  # fmt: skip
        kept["momentum_buffer"] = b
        step = note(r"\Delta_t", "step", scaled(h["lr"], b), r"\gamma\, b_t")
    after = note(r"\theta_t", "parameter", param - step, r"\theta_{t-1} - \Delta_t")
    return note.update(after, **kept)


RMSPROP = Optimizer(
    name="RMSprop",
    rule=rmsprop,
    formulas=(
        r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}",
        r"v_t \leftarrow \alpha v_{t-1} + (1 - \alpha)\, g_t^2",
        r"\tilde v_t \leftarrow v_t - \bar g_t^2, \quad "
        r"\bar g_t \leftarrow \alpha \bar g_{t-1} + (1 - \alpha)\, g_t \;\text{(centered)}",
        r"b_t \leftarrow \mu b_{t-1} + g_t / (\sqrt{\tilde v_t} + \epsilon)",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, b_t",
    ),
    remembers={
        "step": "how many updates there were",
        "square_avg": "v: a decaying mean of the squared gradients",
        "grad_avg": "a decaying mean of the gradients, if centered",
        "momentum_buffer": "b: what is left of the steps so far",
    },
    paper="Hinton, Neural Networks for Machine Learning, lecture 6, 2012 (centered: Graves, 2013)",
)
