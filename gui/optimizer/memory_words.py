"""Where what an optimizer remembers came from, in words, with its own hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from gui import numbers

translate = QCoreApplication.translate


def origin(key: str, hyperparameters: Mapping[str, Any]) -> str:
    """ "an average of about 10 gradients (β₁ = 0.9)"; "" where there is nothing to say beyond the entry's own words."""
    betas = hyperparameters.get("betas")
    beta1, beta2 = betas if isinstance(betas, list | tuple) and len(betas) == 2 else (None, None)
    momentum = hyperparameters.get("momentum")
    sign = "ρ" if "rho" in hyperparameters else "α"
    share = hyperparameters.get("rho", hyperparameters.get("alpha"))
    rows: dict[str, tuple[str, str, Any]] = {
        "exp_avg": (translate("memory", "an average of about {count} gradients ({name} = {rate})"), "β₁", beta1),
        "exp_avg_sq": (
            translate("memory", "an average of about {count} squared gradients ({name} = {rate})"), "β₂", beta2,
        ),
        "exp_inf": (translate("memory", "the largest of about {count} gradients ({name} = {rate})"), "β₂", beta2),
        "momentum_buffer": (
            translate("memory", "a gradient fades within about {count} updates ({name} = {rate})"), "μ", momentum,
        ),
        "square_avg": (
            translate("memory", "an average of about {count} squared gradients ({name} = {rate})"), sign, share,
        ),
        "acc_delta": (translate("memory", "an average of about {count} squared steps ({name} = {rate})"), sign, share),
        "grad_avg": (translate("memory", "an average of about {count} gradients ({name} = {rate})"), sign, share),
    }  # fmt: skip
    text, name, rate = rows.get(key, ("", "", None))
    if not isinstance(rate, int | float) or not 0 < rate < 1:
        return ""
    return text.format(count=f"{round(1 / (1 - rate)):,}", name=name, rate=numbers.compact(float(rate)))


def nothing(optimizer: str, *, by_hand: bool) -> str:
    """What is said where there is no state."""
    if by_hand:
        return translate("memory", "The script wrote this update itself; what it remembers is in its own variables.")
    return translate("memory", "Nothing: the next update starts from the parameter and its gradient alone.").format(
        optimizer
    )


def settings(hyperparameters: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """(name, value, every digit) of the hyperparameters that are switched on."""
    found = []
    for name, value in hyperparameters.items():
        if value is None or value is False or (value == 0 and name != "lr"):
            continue
        members = value if isinstance(value, list | tuple) else [value]
        texts = [numbers.compact(float(m)) if isinstance(m, float) else str(m) for m in members]
        found.append((name, ", ".join(texts), ", ".join(map(str, members))))
    return tuple(found)
