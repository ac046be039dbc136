"""Stochastic gradient descent, with momentum, dampening and Nesterov's look ahead (torch.optim.SGD)."""

from __future__ import annotations

from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, State, Update, gradient, is_zero, scaled


def sgd(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← θ − γ·g, or − γ·b with the momentum buffer b ← μ·b + (1 − τ)·g, which starts as the first gradient."""
    g, kept = direction(note, h, gradient(note, h, param, grad), state)
    return note.update(descend(note, h, param, g), **kept)


def direction(note: Notes, h: Hyperparameters, g: Array, state: State) -> tuple[Array, dict[str, Array]]:
    """(where to go, what is remembered): with momentum the buffer, or Nesterov's look ahead along it."""
    mu, tau = h.get("momentum", 0), h.get("dampening", 0)
    kept = {}
    if not is_zero(mu):
        before = state.get("momentum_buffer")
        if before is None:
            b = note("b_t", "momentum buffer", g, "g_t", "The first gradient: there is nothing to remember yet.")
        else:
            b = scaled(mu, before) + scaled(1 - tau, g)
            note(
                "b_t",
                "momentum buffer",
                b,
                r"\mu\, b_{t-1} + (1 - \tau)\, g_t",
                "What is left of all gradients so far: the direction that they agree on.",
            )
        kept["momentum_buffer"] = b
        g = (
            note("g_t", "Nesterov's direction", g + scaled(mu, b), r"g_t + \mu\, b_t", "A look ahead along b.")
            if h.get("nesterov")
            else b
        )
    return g, kept


def descend(note: Notes, h: Hyperparameters, param: Array, g: Array) -> Array:
    """The parameter after the step."""
    words = "How far the parameter moves, downhill."
    step = note(r"\Delta_t", "step", scaled(h["lr"], g), rf"\gamma\, {note.symbol(g, 'g_t')}", words)
    return note(r"\theta_t", "parameter", param - step, rf"{note.symbol(param)} - \Delta_t")


SGD = Optimizer(
    name="SGD",
    rule=sgd,
    formulas=(
        r"g_t \leftarrow \nabla_\theta f_t(\theta_{t-1}) + \lambda \theta_{t-1}",
        r"b_t \leftarrow \mu\, b_{t-1} + (1 - \tau)\, g_t, \quad b_1 = g_1",
        r"g_t \leftarrow g_t + \mu\, b_t \;\text{(nesterov)}, \quad g_t \leftarrow b_t \;\text{(else)}",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, g_t",
    ),
    remembers={"momentum_buffer": "a decaying sum of all gradients so far; nothing at all without momentum"},
    paper="Sutskever et al., On the importance of initialization and momentum in deep learning, 2013",
)
