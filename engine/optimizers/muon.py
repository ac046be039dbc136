"""Muon: the momentum of a matrix, made orthogonal by Newton and Schulz's iteration (torch.optim.Muon)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.optimizers.model import Array, Hyperparameters, Notes, Optimizer, State, Update, decay, lerp, scaled

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def muon(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − γλ)·θ − γ'·O with O the orthogonalized momentum.

    PyTorch runs the iteration in bfloat16: what it computed is in `state["iterates"]` where it is known, in order
    (see `newton_schulz`), and the update then goes on from its last.
    """
    mu = h.get("momentum", 0.95)
    g = note("g_t", "gradient", grad, r"\nabla_\theta f_t(\theta_{t-1})", "What the backward pass left in .grad.")
    b = note("B_t", "momentum buffer", lerp(state.get("momentum_buffer", np.zeros_like(g)), g, 1 - mu),
             r"\mu B_{t-1} + (1 - \mu)\, g_t", "A decaying mean of the gradients.")  # fmt: skip
    direction = b
    if h.get("nesterov", True):
        direction = note(r"\tilde B_t", "Nesterov's direction", lerp(g, b, mu), r"(1 - \mu)\, g_t + \mu B_t")
    known = state.get("iterates")
    o = known[-1] if known else newton_schulz(direction, h)[-1]
    o = note("O_t", "orthogonalized direction", o.T if param.shape[0] > param.shape[1] else o,
             r"\text{NS}_k(\tilde B_t)", "The same directions, all about equally long.")  # fmt: skip
    theta = decay(note, h, param)
    rate = note(r"\gamma'", "adjusted learning rate", h["lr"] * adjustment(h.get("adjust_lr_fn"), param.shape),
                _ADJUSTED.get(h.get("adjust_lr_fn") or "original", r"\gamma"))  # fmt: skip
    step = note(r"\Delta_t", "step", scaled(rate, o), r"\gamma' O_t")
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, momentum_buffer=b)


def adjustment(function: str | None, shape: Sequence[int]) -> float:
    """What the learning rate is multiplied with, from the matrix's shape."""
    rows, columns = shape[:2]
    if function in (None, "original"):
        return math.sqrt(max(1, rows / columns))
    return 0.2 * math.sqrt(max(rows, columns)) if function == "match_rms_adamw" else 1.0


def newton_schulz(direction: Array, h: Hyperparameters) -> list[Array]:
    """Every matrix of the iteration: X₀, then for each of its k rounds A = X·Xᵀ, b·A + c·A², a·X + (b·A + c·A²)·X.

    A tall matrix is iterated transposed. The first is the direction divided by its norm (at least ε).
    """
    x = direction.T if direction.shape[0] > direction.shape[1] else direction
    size = np.maximum(np.sqrt((x * x).sum()), h.get("eps", 1e-7))
    found = [x / size]
    for _ in range(h.get("ns_steps", 5)):
        found += iteration(found[-1], h.get("ns_coefficients", COEFFICIENTS))
    return found


def iteration(x: Array, coefficients: Sequence[float]) -> list[Array]:
    """One round: the three matrices that PyTorch computes."""
    gram = x @ x.T
    polynomial = quadratic(gram, coefficients)
    return [gram, polynomial, improved(x, polynomial, coefficients)]


def quadratic(gram: Array, coefficients: Sequence[float]) -> Array:
    """b·A + c·A²."""
    _, b, c = coefficients
    return scaled(b, gram) + scaled(c, gram @ gram)


def improved(x: Array, polynomial: Array, coefficients: Sequence[float]) -> Array:
    """a·X + P·X."""
    return scaled(coefficients[0], x) + polynomial @ x


_ADJUSTED = {
    "original": r"\gamma \sqrt{\max(1, A / B)}",
    "match_rms_adamw": r"0.2\, \gamma \sqrt{\max(A, B)}",
}
MUON = Optimizer(
    name="Muon",
    rule=muon,
    formulas=(
        r"B_t \leftarrow \mu B_{t-1} + (1 - \mu)\, g_t",
        r"\tilde B_t \leftarrow (1 - \mu)\, g_t + \mu B_t \;\text{(nesterov)}, \quad B_t \;\text{(else)}",
        r"X \leftarrow \tilde B_t / \|\tilde B_t\|_F; \quad k \text{ times: } "
        r"A \leftarrow X X^{\top},\; X \leftarrow a X + (b A + c A^2)\, X",
        r"\theta_t \leftarrow (1 - \gamma \lambda)\, \theta_{t-1} - \gamma' X",
    ),
    remembers={"momentum_buffer": "B: a decaying mean of the gradients"},
    paper="Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024",
)
