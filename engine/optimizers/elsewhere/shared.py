"""What several of timm's optimizers have as an option."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Bounded
from engine.arithmetic.compare import SAFETY
from engine.optimizers.model import Array, Hyperparameters, Notes, decay, stored

SCHEDULED = frozenset({"lr", "initial_lr", "lr_scale"})
CORRECTED = frozenset({"weight_decay", "corrected_weight_decay", "max_lr_snapshot"})


def corrected(h: Hyperparameters) -> Hyperparameters:
    """With the λ of timm's correction, where that is on: it falls as the learning rate does."""
    if not h.get("corrected_weight_decay"):
        return h
    return {**h, "weight_decay": h["weight_decay"] * (h["lr"] / h["max_lr_snapshot"])}


def corrected_decay(note: Notes, h: Hyperparameters, param: Array) -> Array:
    """Decoupled weight decay, with that λ."""
    return decay(note, corrected(h), param)


def cautious(note: Notes, h: Hyperparameters, direction: Array, grad: Array) -> Array:
    """With `caution`, only what agrees with the gradient's sign, grown by as much as that leaves fewer elements.

    Liang et al., Cautious Optimizers: Improving Training with One Line of Code, 2024.
    """
    if not h.get("caution"):
        return direction
    mask = note("c_t", "agreement", _agree(direction * grad), r"[u_t \odot g_t > 0]",
                "One where the step goes the way the gradient does now, else zero.")  # fmt: skip
    share = note(r"\bar c_t", "share that agrees", np.maximum(np.mean(mask), 1e-3), r"\max(\text{mean}(c_t), 10^{-3})")
    return note("u_t'", "cautious direction", direction * (mask / share), r"u_t \odot c_t / \bar c_t")


def _agree(product: Array) -> Array:
    """1 where it is positive, else 0. Where rounding could turn that, its bound allows for either."""
    if not isinstance(product, Bounded):
        return (product > 0) * 1.0
    errors = stored(product).errors
    open_ = (product.value != 0) & (np.abs(product.value) <= SAFETY * errors)
    return Bounded((product.value > 0) * 1.0, np.where(open_, 1.0, 0.0), product.unit)
