"""ASGD: gradient descent that also keeps the average of where it has been (torch.optim.ASGD)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    Update,
    gradient,
    is_zero,
    scalar,
    scaled,
)


def asgd(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − λη)·θ − η·g, and the average a ← a + μ·(θ − a)."""
    lambd, lr = h.get("lambd", 1e-4), h["lr"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    eta = note(r"\eta_t", "step size", state.get("eta", lr), r"\eta_t", "It was set by the update before.")
    decayed = note(
        r"\theta_t'", "decayed parameter", scaled(1 - lambd * eta, param), r"(1 - \lambda \eta_t)\, \theta_{t-1}"
    )
    step = note(r"\Delta_t", "step", scaled(eta, g), r"\eta_t g_t")
    after = note(r"\theta_t", "parameter", decayed - step, r"\theta_t' - \Delta_t")
    mu = note(r"\mu_t", "weight in the average", state.get("mu", 1.0), r"\mu_t", "1: averaging has not begun.")
    average = after
    if not is_zero(mu - 1):
        average = state["ax"] + scaled(mu, after - state["ax"])
    note("a_t", "average", average, r"a_{t-1} + \mu_t (\theta_t - a_{t-1})", "Where the parameter has been on average.")
    next_eta = note(r"\eta_{t+1}", "next step size", scalar(lr / (1 + lambd * lr * t) ** h.get("alpha", 0.75), eta),
                    r"\gamma / (1 + \lambda \gamma t)^{\alpha}")  # fmt: skip
    next_mu = note(r"\mu_{t+1}", "next weight", scalar(1 / np.maximum(1, t - h.get("t0", 1e6)), mu),
                   r"1 / \max(1, t - t_0)")  # fmt: skip
    return note.update(after, step=t, eta=next_eta, mu=next_mu, ax=average)


ASGD = Optimizer(
    name="ASGD",
    rule=asgd,
    formulas=(
        r"\theta_t \leftarrow (1 - \lambda \eta_t)\, \theta_{t-1} - \eta_t g_t",
        r"a_t \leftarrow a_{t-1} + \mu_t (\theta_t - a_{t-1})",
        r"\eta_{t+1} \leftarrow \gamma / (1 + \lambda \gamma t)^{\alpha}, "
        r"\quad \mu_{t+1} \leftarrow 1 / \max(1, t - t_0)",
    ),
    remembers={
        "step": "how many updates there were",
        "eta": "η: the step size of the next update",
        "mu": "μ: how much the next parameter counts in the average",
        "ax": "the average of the parameter",
    },
    paper="Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992",
)
