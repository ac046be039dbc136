"""RMSprop in TensorFlow's manner: squares begin at one, ε under the root, the learning rate in the momentum (timm)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.elsewhere.shared import cautious, corrected_decay
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
)


def rmsprop_tf(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """b ← μ·b + γ·g / √(v + ε), θ ← θ − b."""
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    decoupled = bool(h.get("decoupled_decay"))
    g = gradient(note, {"weight_decay": 0 if decoupled else h.get("weight_decay", 0)}, param, grad)
    theta = corrected_decay(note, h, param) if decoupled else param
    fresh = 1 - h["alpha"]
    v = note("v_t", "mean of squares", lerp(state.get("square_avg", np.ones_like(g)), stored(g * g), fresh),
             r"v_{t-1} + (1 - \alpha)\, (g_t^2 - v_{t-1})", "It begins at one, not at zero.")  # fmt: skip
    kept = {"step": t, "square_avg": v}
    spread = v
    if h.get("centered"):
        mean = note(r"\bar g_t", "mean gradient", lerp(state.get("grad_avg", np.zeros_like(g)), g, fresh),
                    r"\bar g_{t-1} + (1 - \alpha)\, (g_t - \bar g_{t-1})")  # fmt: skip
        kept["grad_avg"] = mean
        spread = note(r"\tilde v_t", "variance", v - mean * mean, r"v_t - \bar g_t^2", "How much gradients differ.")
    root = note(
        r"\sqrt{\tilde v_t + \epsilon}", "denominator", np.sqrt(spread + h["eps"]), r"\sqrt{\tilde v_t + \epsilon}"
    )
    mu = h.get("momentum", 0)
    if is_zero(mu):
        step = note(r"\Delta_t", "step", scaled(h["lr"], g / root), r"\gamma\, g_t / \sqrt{\tilde v_t + \epsilon}")
    else:
        inside = bool(h.get("lr_in_momentum"))
        added = scaled(h["lr"], g / root) if inside else g / root
        b = note("b_t", "momentum buffer", scaled(mu, state.get("momentum_buffer", np.zeros_like(g))) + added,
                 (r"\mu b_{t-1} + \gamma\," if inside else r"\mu b_{t-1} +")
                 + r" g_t / \sqrt{\tilde v_t + \epsilon}")  # fmt: skip
        kept["momentum_buffer"] = stored(b)
        b = cautious(note, h, b, g)
        step = note(r"\Delta_t", "step", b if inside else scaled(h["lr"], b), "b_t" if inside else r"\gamma\, b_t")
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, **kept)


RMSPROP_TF = Optimizer(
    name="RMSpropTF",
    rule=rmsprop_tf,
    formulas=(
        r"v_t \leftarrow v_{t-1} + (1 - \alpha)\, (g_t^2 - v_{t-1}), \quad v_0 = 1",
        r"\tilde v_t \leftarrow v_t - \bar g_t^2 \;\text{(centered)}",
        r"b_t \leftarrow \mu b_{t-1} + \gamma\, g_t / \sqrt{\tilde v_t + \epsilon}",
        r"\theta_t \leftarrow \theta_{t-1} - b_t",
    ),
    remembers={
        "step": "how many updates there were",
        "square_avg": "v: a decaying mean of the squared gradients, one at first",
        "grad_avg": "a decaying mean of the gradients, if centered",
        "momentum_buffer": "b: what is left of the steps so far",
    },
    paper="Hinton, Neural Networks for Machine Learning, lecture 6, 2012, as TensorFlow has it",
    modules=("timm.optim.rmsprop_tf",),
    options=frozenset(
        {"lr", "alpha", "eps", "weight_decay", "momentum", "centered", "decoupled_decay", "corrected_weight_decay"}
        | {"max_lr_snapshot", "lr_in_momentum", "caution", "foreach", "initial_lr", "lr_scale"}
    ),
)
