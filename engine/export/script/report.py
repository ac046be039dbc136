"""The program's last part: it compares what was done by hand with what was recorded. Copied as it is, like kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def distance(one: Array, other: Array) -> float:
    """The largest difference: none where both are equally infinite, or no numbers; endless where only one is."""
    wide = np.result_type(one, other, np.float64)  # complex where they are
    one, other = np.asarray(one, wide), np.asarray(other, wide)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        differences = np.where(same, 0.0, np.abs(one - other))
    return np.inf if np.isnan(differences).any() else float(np.max(differences, initial=0.0))


def compare_numbers(by_hand: Array, other: Array, recorded: Array, roundoff: float = 2**-24) -> Array:
    """Lines with each number beside PyTorch's, and how many are further off than rounding explains."""
    lines, wrong = [f"{'':12} {'by hand':>12} {'PyTorch':>12} {'difference':>10} {'bound':>10}"], 0
    for name, there in recorded.items():
        here, rounding = by_hand[name], abs(float(by_hand[name]) - float(other[name])) * roundoff / 2**-24
        difference = 0 if np.array_equal(here, there, equal_nan=True) else abs(float(here) - float(there))
        bound = 64 * max(rounding, roundoff * abs(float(there)))
        verdict = "" if difference == 0 or difference <= bound else "  OUT OF BOUNDS"
        wrong += verdict != ""
        lines.append(f"{name:12} {here:12.9g} {there:12.9g} {difference:10.3g} {bound:10.3g}{verdict}")
    return lines, wrong


def compare(by_hand: Array, other: Array, recorded: Array, roundoff: float = 2**-24) -> Array:
    """Lines that say how far each number is from what PyTorch computed, and how many are out of bounds.

    PyTorch adds up in another order, and so rounds at other places. What rounding costs is measured: this program
    was run in float32 and in float64, and may differ from PyTorch by 16 times what it differs from itself. Of a few
    numbers, two roundings may agree by chance: of fewer than 100 it may differ by 64 times that, and of fewer than 8
    the median over the step, of differences by size, counts. A gradient that is nothing beside the others, as where
    all terms cancel, is rounding and no more.
    """
    size = {
        name: float(np.max(np.abs(there), initial=0.0, where=np.isfinite(there))) for name, there in recorded.items()
    }
    rounding = {name: distance(by_hand[name], other[name]) * roundoff / 2**-24 for name in recorded}
    relative = [rounding[name] / size[name] for name in recorded if size[name]]
    typical = max(roundoff, float(np.median(relative or [0])))
    nothing = 16 * roundoff * max([number for name, number in size.items() if name.startswith("grad_")], default=0.0)
    wrong, blurred, width = 0, 0, max(map(len, recorded))
    lines = [f"{'':{width}} {'difference':>10} {'bound':>10} {'largest number':>14}"]
    for name, there in recorded.items():
        least = roundoff if np.size(there) >= 8 else typical
        difference, factor = distance(by_hand[name], there), 64 if np.size(there) < 100 else 16
        bound = factor * max(rounding[name], least * size[name])
        verdict = "  mostly rounding" if bound > size[name] / 10 else ""
        if name.startswith("grad_") and max(difference, size[name]) <= nothing:
            verdict = "  mostly rounding" if difference > bound else verdict
        elif np.shape(by_hand[name]) != np.shape(there) or not difference <= bound:
            verdict = "  OUT OF BOUNDS"
        wrong, blurred = wrong + verdict.endswith("BOUNDS"), blurred + verdict.endswith("rounding")
        lines.append(f"{name:{width}} {difference:10.3g} {bound:10.3g} {size[name]:14.3g}{verdict}")
    if blurred:
        lines.append(f"{blurred} hold little but rounding, as where terms cancel: of these nothing is proved")
    return [*lines, f"{len(recorded)} compared, {wrong} out of bounds"], wrong
