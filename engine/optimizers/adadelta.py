"""Adadelta: steps in the unit of the parameter itself (torch.optim.Adadelta)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.adam import second_moment
from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, State, Update, gradient, scaled


def adadelta(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·Δ with Δ = √(u + ε) / √(v + ε) · g."""
    rho, eps = h.get("rho", 0.9), h["eps"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    v = note("v_t", "mean of squares", second_moment(rho, state.get("square_avg", np.zeros_like(g)), g),
             r"\rho v_{t-1} + (1 - \rho)\, g_t^2", "A decaying mean of the squared gradients.")  # fmt: skip
    u = state.get("acc_delta", np.zeros_like(g))
    below = note(r"\sqrt{v_t + \epsilon}", "denominator", np.sqrt(v + eps), r"\sqrt{v_t + \epsilon}")
    above = note(r"\sqrt{u_{t-1} + \epsilon}", "usual step", np.sqrt(u + eps), r"\sqrt{u_{t-1} + \epsilon}",
                 "How far this element has moved lately.")  # fmt: skip
    delta = note(r"\Delta x_t", "step before scaling", above / below * g,
                 r"\frac{\sqrt{u_{t-1} + \epsilon}}{\sqrt{v_t + \epsilon}}\, g_t")  # fmt: skip
    u = note("u_t", "mean of squared steps", second_moment(rho, u, delta), r"\rho u_{t-1} + (1 - \rho)\, \Delta x_t^2")
    step = note(r"\Delta_t", "step", scaled(h["lr"], delta), r"\gamma\, \Delta x_t")
    after = note(r"\theta_t", "parameter", param - step, r"\theta_{t-1} - \Delta_t")
    return note.update(after, step=t, square_avg=v, acc_delta=u)


ADADELTA = Optimizer(
    name="Adadelta",
    rule=adadelta,
    formulas=(
        r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}",
        r"v_t \leftarrow \rho v_{t-1} + (1 - \rho)\, g_t^2",
        r"\Delta x_t \leftarrow \frac{\sqrt{u_{t-1} + \epsilon}}{\sqrt{v_t + \epsilon}}\, g_t",
        r"u_t \leftarrow \rho u_{t-1} + (1 - \rho)\, \Delta x_t^2",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, \Delta x_t",
    ),
    remembers={
        "step": "how many updates there were",
        "square_avg": "v: a decaying mean of the squared gradients",
        "acc_delta": "u: a decaying mean of the squared steps",
    },
    paper="Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012",
)
