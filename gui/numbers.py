"""How numbers are written: four significant digits to look at, every digit to hover and to copy.

Shown numbers have a true minus sign and are meant for tabular figures; copied ones are plain text that Python reads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

DIGITS = 4
MINUS = "\u2212"
FIGURE_SPACE = "\u2007"
THIN_SPACE = "\u2009"
TIMES = "\u00d7"
ABSENT = "\u2013"

_LARGEST_PLAIN = 1e6
_SMALLEST_PLAIN = 1e-4


def number(value: Any, digits: int = DIGITS) -> str:
    """`value` with `digits` significant digits: 0.01235, 12.35, 1.235e−7, 1,000 (an int), NaN, Inf; None gives a dash.

    Zero is "0", so that it stands out from what was rounded to nothing. Takes Python and NumPy scalars.
    """
    if value is None:
        return ABSENT
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}".replace("-", MINUS)
    if isinstance(value, (complex, np.complexfloating)):
        return _complex(complex(value), digits)
    return _float(float(value), digits)


def _float(value: float, digits: int) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else f"{MINUS}Inf"
    if value == 0:
        return "0"
    mantissa, exponent_text = f"{value:.{digits - 1}e}".split("e")
    exponent = int(exponent_text)
    if _SMALLEST_PLAIN <= float(f"1e{exponent}") < _LARGEST_PLAIN:
        # Before the decimal point no digit is rounded away: 16239, not 16240.
        text = f"{float(f'{mantissa}e{exponent}'):.{digits - 1 - exponent}f}" if exponent < digits else f"{value:.0f}"
    else:
        text = f"{mantissa}e{exponent}"
    return text.replace("-", MINUS)


def _complex(value: complex, digits: int) -> str:
    sign = MINUS if math.copysign(1, value.imag) < 0 else "+"
    return f"{_float(value.real, digits)} {sign} {_float(abs(value.imag), digits)}j"


def full(value: Any) -> str:
    """Every digit: the shortest text that gives back the same number in its own dtype; "" for None."""
    return "" if value is None else str(value)


def compact(value: float) -> str:
    """A setting such as a learning rate, as it was written if that is short: "0.9", "1e−08", else four digits."""
    text = repr(value)
    return text.replace("-", MINUS) if len(text) <= 6 else number(value)


def signed(value: float | None, digits: int = DIGITS) -> str:
    """`number` with its sign always written, for changes."""
    text = number(value, digits)
    positive = value is not None and value > 0
    return f"+{text}" if positive else text


def percent(part: float, whole: float) -> str:
    """`part` of `whole` in percent, with three digits: "12.5 %"."""
    return ABSENT if whole == 0 else f"{number(100 * part / whole, 3)}{THIN_SPACE}%"


def shape(lengths: Sequence[int] | None) -> str:
    """(64, 3, 7, 7) as "64 × 3 × 7 × 7"; "scalar" is for the caller to translate, so () gives ""."""
    return "" if lengths is None else f" {TIMES} ".join(f"{length:,}" for length in lengths)


def index(position: Sequence[int]) -> str:
    """A position in a tensor as Python writes it: "[0, 12, 3]"."""
    return f"[{', '.join(str(int(place)) for place in position)}]"


def size(count: int) -> str:
    """A number of bytes: "512 B", "9.00 KiB", "2.25 MiB"."""
    if count < 1024:
        return f"{count} B"
    amount = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        amount /= 1024
        if amount < 1024 or unit == "GiB":
            break
    return f"{_float(amount, 3)} {unit}"


def duration(seconds: float) -> str:
    """A time span: "12.3 µs", "4.56 ms", "1.20 s"."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if abs(seconds) * factor >= 1:
            return f"{_float(seconds * factor, 3)} {unit}"
    return f"{_float(seconds * 1e6, 3)} \u00b5s"


def align(texts: Sequence[str]) -> list[str]:
    """Pad with figure spaces so that right-aligned tabular texts stand with their decimal points above each other.

    Texts that hold no number (a dash, NaN) are left to the right edge.
    """
    after = [_after_point(text) for text in texts]
    widest = max((length for length in after if length is not None), default=0)
    return [
        text if length is None else text + FIGURE_SPACE * (widest - length)
        for text, length in zip(texts, after, strict=True)
    ]


def _after_point(text: str) -> int | None:
    """Characters from the decimal point on; 0 for a whole number; None for what is no number."""
    if not text or not text[-1].isdigit():
        return None
    point = text.find(".")
    return 0 if point < 0 else len(text) - point


def decimals(values: npt.NDArray[np.float64]) -> int:
    """How many characters from the decimal point on the longest of these numbers has, when written by `number`."""
    finite = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(finite):
        return 0
    # Of each power of ten one: rounding up to the next one only makes the text shorter.
    _, samples = np.unique(np.floor(np.log10(finite)), return_index=True)
    return max(_after_point(number(float(value))) or 0 for value in finite[samples])


def padded(text: str, after: int) -> str:
    """`text` with figure spaces, so that there are `after` characters from its decimal point on."""
    own = _after_point(text)
    return text if own is None else text + FIGURE_SPACE * (after - own)
