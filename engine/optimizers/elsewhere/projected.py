"""AdamP and SGDP: steps of Adam and SGD, without what would only make a weight longer (timm)."""

from __future__ import annotations

import math

import numpy as np

from engine.arithmetic import Bounded
from engine.arithmetic.compare import SAFETY
from engine.optimizers.adam import second_moment
from engine.optimizers.elsewhere.shared import SCHEDULED, cautious
from engine.optimizers.model import (
    Array,
    Hyperparameters,
    Notes,
    Optimizer,
    State,
    UnknownError,
    Update,
    decay,
    gradient,
    lerp,
    scaled,
    value_of,
)
from engine.optimizers.sgd import descend

_OPTIONS = SCHEDULED | {"weight_decay", "eps", "delta", "wd_ratio", "nesterov", "caution"}


def adamp(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − γλρ)·θ − γ·Π(m̂ / (√v̂ + ε))."""
    beta1, beta2 = h["betas"]
    t = note("t", "step count", state.get("step", 0) + 1, "t + 1")
    g = gradient(note, {}, param, grad)
    m = note("m_t", "first moment", lerp(state.get("exp_avg", np.zeros_like(g)), g, 1 - beta1),
             r"\beta_1 m_{t-1} + (1 - \beta_1)\, g_t")  # fmt: skip
    v = note("v_t", "second moment", second_moment(beta2, state.get("exp_avg_sq", np.zeros_like(g)), g),
             r"\beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2")  # fmt: skip
    d = note(r"\sqrt{\hat v_t} + \epsilon", "denominator", np.sqrt(v) / math.sqrt(1 - beta2**t) + h["eps"],
             r"\sqrt{v_t} / \sqrt{1 - \beta_2^t} + \epsilon")  # fmt: skip
    along = scaled(beta1, m) + scaled(1 - beta1, g) if h.get("nesterov") else m
    u = note("u_t", "direction", along / d, r"m_t / (\sqrt{\hat v_t} + \epsilon)", "Adam's direction.")
    u, ratio = _projected(note, h, param, g, u)
    theta = decay(note, {**h, "weight_decay": h.get("weight_decay", 0) * ratio}, param)
    step = note(r"\Delta_t", "step", scaled(h["lr"] / (1 - beta1**t), u), r"\gamma\, u_t / (1 - \beta_1^t)")
    after = note(r"\theta_t", "parameter", theta - step, rf"{note.symbol(theta)} - \Delta_t")
    return note.update(after, step=t, exp_avg=m, exp_avg_sq=v)


def sgdp(note: Notes, h: Hyperparameters, param: Array, grad: Array, state: State) -> Update:
    """θ ← (1 − γλρ / (1 − μ))·θ − γ·Π(b), with the momentum b ← μ·b + (1 − τ)·g."""
    mu = h["momentum"]
    g = gradient(note, {}, param, grad)
    b = note("b_t", "momentum", scaled(mu, state.get("momentum", np.zeros_like(g))) + scaled(1 - h["dampening"], g),
             r"\mu\, b_{t-1} + (1 - \tau)\, g_t")  # fmt: skip
    u = note("u_t", "direction", g + scaled(mu, b) if h.get("nesterov") else b,
             r"g_t + \mu\, b_t" if h.get("nesterov") else "b_t")  # fmt: skip
    u, ratio = _projected(note, h, param, g, u)
    theta = decay(note, {**h, "weight_decay": h.get("weight_decay", 0) * ratio / (1 - mu)}, param)
    return note.update(descend(note, h, theta, u), momentum=b)


def _projected(note: Notes, h: Hyperparameters, param: Array, g: Array, u: Array) -> tuple[Array, float]:
    """(the direction, what is left of weight decay). Where the gradient is at right angles to the weight, so that its
    length does not count, what goes along the weight is taken off: of each channel, or of the layer as a whole."""
    for rows in (param.shape[0], 1) if param.ndim > 1 else ():
        flat, of_g = param.reshape(rows, -1), g.reshape(rows, -1)
        long, size = (np.sqrt((one * one).sum(axis=1, keepdims=True)) for one in (flat, of_g))
        product = np.abs((flat * of_g).sum(axis=1, keepdims=True))
        lengths = np.maximum(long, h["eps"]) * np.maximum(size, h["eps"])
        cosine = note(r"\cos", "largest cosine", np.max(product / lengths),
                      r"\max |\theta \cdot g_t| / (\|\theta\| \|g_t\|)")  # fmt: skip
        if not _below(cosine, h["delta"] / math.sqrt(flat.shape[1])):
            continue
        unit = flat / (long + h["eps"])
        across = _across(unit, u.reshape(rows, -1))
        if h.get("caution"):
            across = _across(unit, cautious(note, h, across, _across(unit, of_g)))
        return note("u_t'", "projected direction", across.reshape(*param.shape),
                    r"u_t - (\hat\theta \cdot u_t)\, \hat\theta",
                    "It turns the weight, and does not make it longer."), float(h["wd_ratio"])  # fmt: skip
    return cautious(note, h, u, g), 1.0


def _across(unit: Array, u: Array) -> Array:
    """What of `u` is at right angles to each row of `unit`."""
    return u - unit * (unit * u).sum(axis=1, keepdims=True)


def _below(number: Array, limit: float) -> bool:
    """Raises UnknownError where rounding may turn the answer."""
    if isinstance(number, Bounded) and abs(number.item() - limit) <= SAFETY * (
        float(number.errors) + number.unit * limit
    ):
        raise UnknownError("whether the step is projected is too close to call")
    return bool(value_of(number) < limit)


ADAMP = Optimizer(
    name="AdamP",
    rule=adamp,
    formulas=(
        r"m_t \leftarrow \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \quad "
        r"v_t \leftarrow \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2",
        r"u_t \leftarrow m_t / (\sqrt{\hat v_t} + \epsilon)",
        r"u_t \leftarrow u_t - (\hat\theta \cdot u_t)\, \hat\theta \;\text{if}\; \cos(\theta, g_t) < \delta / \sqrt n",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, u_t / (1 - \beta_1^t)",
    ),
    remembers={
        "step": "how many updates there were",
        "exp_avg": "m: a decaying mean of the gradients",
        "exp_avg_sq": "v: a decaying mean of the squared gradients",
    },
    paper="Heo et al., AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant Weights, 2020",
    modules=("timm.optim.adamp",),
    options=_OPTIONS | {"betas"},
)
SGDP = Optimizer(
    name="SGDP",
    rule=sgdp,
    formulas=(
        r"b_t \leftarrow \mu\, b_{t-1} + (1 - \tau)\, g_t",
        r"b_t \leftarrow b_t - (\hat\theta \cdot b_t)\, \hat\theta \;\text{if}\; \cos(\theta, g_t) < \delta / \sqrt n",
        r"\theta_t \leftarrow \theta_{t-1} - \gamma\, b_t",
    ),
    remembers={"momentum": "b: a decaying sum of all gradients so far"},
    paper=ADAMP.paper,
    modules=("timm.optim.sgdp",),
    options=_OPTIONS | {"momentum", "dampening"},
)
