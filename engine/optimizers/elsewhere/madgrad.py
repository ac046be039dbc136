"""MADGRAD: dual averaging from where the parameter began, divided by the cube root of the squares (timm)."""

from __future__ import annotations

import math

import numpy as np

from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    decay,
    gradient,
    is_zero,
    scalar,
    scaled,
)


def madgrad(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − c)·θ + c·z with z = θ₀ − s / (∛v + ε)."""
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    rate = note(r"\lambda_t", "rate", (h["lr"] + h["eps"]) * math.sqrt(t), r"(\gamma + \epsilon) \sqrt t")
    decoupled, averaged = bool(h.get("decoupled_decay")), not is_zero(h["momentum"])
    theta = decay(note, h, param) if decoupled else param
    g = gradient(note, {"weight_decay": 0 if decoupled else h.get("weight_decay", 0)}, param, grad)
    s, v = (state.get(key, np.zeros_like(g)) for key in ("s", "grad_sum_sq"))
    start = state.get("x0", param) if averaged else theta + s / (_cube_root(v) + h["eps"])
    note(r"\theta_0", "beginning", start, r"\theta_0", "Every step is taken from there.")
    v = note("v_t", "squares", v + scaled(rate, g * g), r"v_{t-1} + \lambda_t\, g_t^2", "A sum: it only grows.")
    s = note("s_t", "sum of gradients", s + scaled(rate, g), r"s_{t-1} + \lambda_t\, g_t")
    d = note(r"\sqrt[3]{v_t} + \epsilon", "denominator", _cube_root(v) + h["eps"], r"\sqrt[3]{v_t} + \epsilon")
    z = note("z_t", "dual average", start - s / d, r"\theta_0 - s_t / (\sqrt[3]{v_t} + \epsilon)")
    kept = {"step": t, "s": s, "grad_sum_sq": v} | ({"x0": start} if averaged else {})
    c = 1 - h["momentum"]
    after = scaled(1 - c, theta) + scaled(c, z) if averaged else z
    return note.update(note(r"\theta_t", "parameter", after, r"\mu\, \theta_{t-1} + (1 - \mu)\, z_t"), **kept)


def _cube_root(array: Array) -> Array:
    """As a power with the exponent as the dtype has it."""
    return np.power(array, scalar(1 / 3, array))


MADGRAD = Optimizer(
    name="MADGRAD",
    rule=madgrad,
    formulas=(
        r"s_t \leftarrow s_{t-1} + \gamma \sqrt t\, g_t",
        r"v_t \leftarrow v_{t-1} + \gamma \sqrt t\, g_t^2",
        r"z_t \leftarrow \theta_0 - s_t / (\sqrt[3]{v_t} + \epsilon)",
        r"\theta_t \leftarrow \mu\, \theta_{t-1} + (1 - \mu)\, z_t",
    ),
    remembers={
        "step": "how many updates there were",
        "s": "s: the sum of all gradients, later ones counting more",
        "grad_sum_sq": "v: the sum of their squares, likewise",
        "x0": "where the parameter began; nothing without momentum",
    },
    paper="Defazio and Jelassi, Adaptivity without Compromise: A Momentumized, Adaptive, Dual Averaged Gradient "
    "Method for Stochastic Optimization, 2021",
    modules=("timm.optim.madgrad",),
    options=frozenset({"lr", "eps", "momentum", "weight_decay", "decoupled_decay", "initial_lr", "lr_scale"}),
)
