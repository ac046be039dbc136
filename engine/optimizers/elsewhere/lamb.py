"""LAMB: Adam's direction, each parameter's step as long as its own norm says (timm)."""

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
    short,
    value_of,
)


def lamb(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·(‖θ‖ / ‖u‖)·u with u = m̂ / (√v̂ + ε) + λ·θ.

    The gradients of all parameters together are first held to the `max_grad_norm` that the optimizer was made with:
    their norm is in `state["norm"]`.
    """
    beta1, beta2 = h["betas"]
    t = float(value_of(h.get("step", 0.0))) + 1
    g = gradient(note, {}, param, grad)
    longest = {**h, **h.get("defaults", {})}.get("max_grad_norm")  # it is one for all groups
    if longest is not None:
        factor = np.maximum(state["norm"] / longest, 1.0)
        g = note("g_t", "clipped gradient", g / factor, rf"g_t / \max(1, \|g\| / {short(longest)})",
                 "The gradients of all parameters, held to this norm together.")  # fmt: skip
    before = state.get("exp_avg", np.zeros_like(g))
    averaged = h.get("grad_averaging", True)
    m = note("m_t", "first moment", lerp(before, g, 1 - beta1) if averaged else scaled(beta1, before) + g,
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t" if averaged else r"\beta_1 m_{t-1} + g_t")  # fmt: skip
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2")  # fmt: skip
    c1, c2 = (1 - beta1**t, 1 - beta2**t) if h.get("bias_correction", True) else (1.0, 1.0)
    denominator = note(r"\sqrt{\hat v_t} + \epsilon", "denominator", scaled(c2**-0.5, np.sqrt(v)) + h["eps"],
                       r"\sqrt{v_t} / \sqrt{1 - \beta_2^t} + \epsilon")  # fmt: skip
    u = note("r_t", "direction", scaled(1 / c1, m) / denominator, r"\hat m_t / (\sqrt{\hat v_t} + \epsilon)",
             "Adam's direction.")  # fmt: skip
    theta, u = _decayed(note, h, param, cautious(note, h, u, g))
    rate = h["lr"]
    if not is_zero(h.get("weight_decay", 0)) or h.get("always_adapt"):
        rate = rate * _trust(note, h, theta, u)
    step = note(r"\Delta_t", "step", scaled(rate, u), r"\gamma\, \phi_t\, u_t")
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, exp_avg=m, exp_avg_sq=v)


def _decayed(note: Notes, h: Hyperparameters, param: Array, u: Array) -> tuple[Array, Array]:
    """(parameter, direction) with weight decay in the one or the other."""
    weight_decay = h.get("weight_decay", 0)
    if is_zero(weight_decay):
        return param, u
    if not h.get("decoupled_decay"):
        return param, note("u_t", "direction with weight decay", u + scaled(weight_decay, param),
                           r"r_t + \lambda \theta_{t-1}")  # fmt: skip
    rate = h["lr"]
    if h.get("corrected_weight_decay"):
        rate = rate * (rate / h["max_lr_snapshot"])
    return note(r"\theta_t'", "decayed parameter", param - scaled(rate * weight_decay, param),
                r"(1 - \gamma \lambda)\, \theta_{t-1}"), u  # fmt: skip


def _trust(note: Notes, h: Hyperparameters, theta: Array, u: Array) -> Array:
    """How long the step may be: as the parameter is. 1 if either has no length."""
    length, size = np.sqrt((theta * theta).sum()), np.sqrt((u * u).sum())
    if not (value_of(length) > 0 and value_of(size) > 0):
        return note(r"\phi_t", "trust ratio", 1.0, "1", "Parameter or direction is zero: no ratio.")
    ratio = length / size
    if h.get("trust_clip"):
        ratio = np.minimum(ratio, 1.0)
    return note(r"\phi_t", "trust ratio", ratio, r"\|\theta_{t-1}\| / \|u_t\|",
                "Layer by layer: the step is as long as the parameter, times the learning rate.")  # fmt: skip


LAMB = Optimizer(
    name="Lamb",
    rule=lamb,
    formulas=(
        r"g_t \leftarrow g_t / \max(1, \|g\| / c)",
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \quad "
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
        r"u_t \leftarrow \hat m_t / (\sqrt{\hat v_t} + \epsilon) + \lambda \theta_{t-1}",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, \frac{\|\theta_{t-1}\|}{\|u_t\|}\, u_t",
    ),
    remembers={
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_avg_sq": "v: a decaying mean of the squared gradients",
    },
    paper="You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, 2019",
    modules=("timm.optim.lamb",),
    options=frozenset(
        {"lr", "bias_correction", "betas", "eps", "weight_decay", "grad_averaging", "max_grad_norm", "trust_clip"}
        | {"always_adapt", "decoupled_decay", "corrected_weight_decay", "max_lr_snapshot", "foreach", "step"}
        | {"initial_lr", "lr_scale", "caution"}
    ),
    norm=True,
)
