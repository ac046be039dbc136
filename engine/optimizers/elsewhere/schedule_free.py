"""Schedule-free learning: gradients are taken between an iterate and its mean (schedulefree's AdamW and SGD).

The parameter is y, the point where the gradient is taken; the state keeps z, which walks. x, the mean of all z and what
is evaluated in the end, is kept nowhere: it follows from y = (1 − β)·z + β·x.
"""

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


def adamw(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """z ← z − γ·d with d = g / (√v̂ + ε) + λ·y, and y moves along, towards the mean."""
    beta1, beta2 = h["betas"]
    g = gradient(note, {}, param, grad)
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2")  # fmt: skip
    correction = 1 - beta2 ** (h["k"] + 1)
    denominator = note(r"\sqrt{\hat v_t} + \epsilon", "denominator", np.sqrt(scaled(1 / correction, v)) + h["eps"],
                       r"\sqrt{v_t / (1 - \beta_2^t)} + \epsilon")  # fmt: skip
    direction = note("d_t", "direction", g / denominator, r"g_t / (\sqrt{\hat v_t} + \epsilon)")
    after, z = _walk(note, h, param, direction, state, beta1)
    return note.update(after, exp_avg_sq=v, z=z)


def sgd(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """z ← z − γ·(g + λ·y), and y moves along, towards the mean."""
    direction = gradient(note, {}, param, grad)
    after, z = _walk(note, h, param, direction, state, h["momentum"])
    return note.update(after, z=z)


def _walk(
    note: Notes, h: Hyperparameters, param: Array, direction: Array, state: State, beta: float
) -> tuple[Array, Array]:
    """(y, z) after the step along `direction`."""
    if not is_zero(h.get("weight_decay", 0)):
        direction = note("d_t", "direction with weight decay", direction + scaled(h["weight_decay"], param),
                         r"d_t + \lambda y_{t-1}")  # fmt: skip
    k, warmup = h["k"], h.get("warmup_steps", 0)
    rate = note(r"\gamma_t", "learning rate", h["lr"] * ((k + 1) / warmup if k < warmup else 1.0),
                r"\gamma \min(1, t / T)")  # fmt: skip
    weight = (k + 1) ** h.get("r", 0.0) * max(rate, h["lr_max"]) ** h["weight_lr_power"]
    total = h["weight_sum"] + weight
    share = note("c_t", "weight in the mean", weight / total if total else 0.0, r"w_t / \textstyle\sum_{i \le t} w_i",
                 "How much the new z counts in the mean of all.")  # fmt: skip
    before = state.get("z", param)
    closer = note("y_t'", "towards the iterate", lerp(param, before, share), r"(1 - c_t)\, y_{t-1} + c_t z_{t-1}")
    step = note(r"\Delta_t", "step", scaled(rate * (1 - beta * (1 - share)), direction),
                r"\gamma_t\, (1 - \beta (1 - c_t))\, d_t")  # fmt: skip
    z = note("z_t", "iterate", before - scaled(rate, direction), r"z_{t-1} - \gamma_t d_t")
    return note("y_t", "parameter", closer - step, r"y_t' - \Delta_t"), z


_WALK = (
    r"z_t \leftarrow z_{t-1} - \gamma_t d_t",
    r"x_t \leftarrow (1 - c_t)\, x_{t-1} + c_t z_t, \quad c_t = w_t / \textstyle\sum_{i \le t} w_i",
    r"y_t \leftarrow (1 - \beta)\, z_t + \beta x_t",
)
_PAPER = "Defazio et al., The Road Less Scheduled, 2024"
_OPTIONS = frozenset(
    {"lr", "weight_decay", "warmup_steps", "r", "k", "train_mode", "weight_sum", "lr_max", "scheduled_lr", "foreach"}
    | {"weight_lr_power", "initial_lr"}
)

ADAMW = Optimizer(
    name="AdamWScheduleFree",
    rule=adamw,
    formulas=(
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
        r"d_t \leftarrow g_t / (\sqrt{v_t / (1 - \beta_2^t)} + \epsilon) + \lambda y_{t-1}",
        *_WALK,
    ),
    remembers={"exp_avg_sq": "v: a decaying mean of the squared gradients", "z": "z: where plain steps would have led"},
    paper=_PAPER,
    modules=("schedulefree.adamw_schedulefree",),
    options=_OPTIONS | {"betas", "eps"},
)
SGD = Optimizer(
    name="SGDScheduleFree",
    rule=sgd,
    formulas=(r"d_t \leftarrow g_t + \lambda y_{t-1}", *_WALK),
    remembers={"z": "z: where plain steps would have led"},
    paper=_PAPER,
    modules=("schedulefree.sgd_schedulefree",),
    options=_OPTIONS | {"momentum"},
)
