"""Adagrad: every element's learning rate falls with the gradients it has had (torch.optim.Adagrad)."""

from __future__ import annotations

import numpy as np

from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, State, Update, gradient, scaled, stored


def adagrad(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ̃·g / (√s + ε) with s the sum of all squared gradients."""
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, h, param, grad)
    rate = note(r"\tilde\gamma", "decayed learning rate", h["lr"] / (1 + (t - 1) * h.get("lr_decay", 0)),
                r"\gamma / (1 + (t - 1)\, \eta)")  # fmt: skip
    start = h.get("initial_accumulator_value", 0)
    s = note("s_t", "sum of squares", stored(state.get("sum", np.zeros_like(g) + start) + g * g), r"s_{t-1} + g_t^2",
             "All squared gradients so far: it only grows.")  # fmt: skip
    denominator = note(r"\sqrt{s_t} + \epsilon", "denominator", np.sqrt(s) + h["eps"], r"\sqrt{s_t} + \epsilon")
    note(r"\tilde\gamma / (\sqrt{s_t} + \epsilon)", "effective learning rate", rate / denominator,
         r"\tilde\gamma / (\sqrt{s_t} + \epsilon)")  # fmt: skip
    step = note(r"\Delta_t", "step", scaled(rate, g) / denominator, r"\tilde\gamma\, g_t / (\sqrt{s_t} + \epsilon)")
    after = note(r"\theta_t", "parameter", param - step, r"\theta_{t-1} - \Delta_t")
    return note.update(after, step=t, sum=s)


ADAGRAD = Optimizer(
    name="Adagrad",
    rule=adagrad,
    formulas=(
        r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}",
        r"\tilde\gamma \leftarrow \gamma / (1 + (t - 1)\, \eta)",
        r"s_t \leftarrow s_{t-1} + g_t^2",
        r"\theta_t \leftarrow \theta_{t-1} - \tilde\gamma\, g_t / (\sqrt{s_t} + \epsilon)",
    ),
    remembers={"step": "how many updates there were", "sum": "the sum of all squared gradients so far"},
    paper="Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic Optimization, 2011",
)
