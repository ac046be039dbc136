"""Numbers on screen and on the clipboard."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui import numbers

MINUS = numbers.MINUS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (2.0, "2.000"),
        (-3.75, f"{MINUS}3.750"),
        (12.345678, "12.35"),
        (1234.56, "1235"),
        (16238.9785, "16239"),
        (999900.0, "999900"),
        (1e6, "1.000e6"),
        (0.0001, "0.0001000"),
        (0.00001234, f"1.234e{MINUS}5"),
        (0.99996, "1.000"),
        (9.9999, "10.00"),
        (math.nan, "NaN"),
        (math.inf, "Inf"),
        (-math.inf, f"{MINUS}Inf"),
        (None, numbers.ABSENT),
        (12345, "12,345"),
        (-7, f"{MINUS}7"),
        (True, "True"),
        (np.float32(0.1), "0.1000"),
        (np.int64(1000), "1,000"),
        (np.bool_(False), "False"),
        (complex(1, -2), f"1.000 {MINUS} 2.000j"),
    ],
)
def test_number(value: object, text: str) -> None:
    assert numbers.number(value) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_keeps_four_significant_digits(value: float) -> None:
    text = numbers.number(value).replace(MINUS, "-")
    assert float(text) == pytest.approx(value, rel=5.01e-4)


@given(st.floats(allow_nan=False, width=32))
def test_full_gives_the_same_number_back(value: float) -> None:
    assert np.float32(numbers.full(np.float32(value))) == np.float32(value)


def test_signed_writes_every_sign() -> None:
    assert [numbers.signed(value) for value in (0.75, -0.75, 0.0)] == ["+0.7500", f"{MINUS}0.7500", "0"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (9216, "9.00 KiB"),
        (212992, "208 KiB"),
        (2359296, "2.25 MiB"),
        (1 << 40, "1024 GiB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert numbers.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.5, "1.50 s"), (0.00456, "4.56 ms"), (1.2e-5, "12.0 µs"), (0.0, "0 µs"), (75.0, "75.0 s")]
)
def test_duration(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_shape_and_index() -> None:
    assert numbers.shape((64, 3, 7, 7)) == "64 × 3 × 7 × 7"
    assert numbers.shape(()) == numbers.shape(None) == ""
    assert numbers.index((0, 12)) == "[0, 12]"


def test_compact_keeps_short_settings_as_they_were_written() -> None:
    assert [numbers.compact(value) for value in (0.05, 1e-8, 0.123456789)] == ["0.05", f"1e{MINUS}08", "0.1235"]


def test_aligned_texts_have_their_points_above_each_other() -> None:
    texts = numbers.align(["1.250", "0.0004245", "9,408", numbers.ABSENT])
    assert texts[3] == numbers.ABSENT
    assert [len(text) - text.index(".") for text in texts[:2]] == [8, 8]
    assert texts[2] == "9,408" + 8 * numbers.FIGURE_SPACE


def test_a_column_is_padded_as_if_aligned_at_once() -> None:
    values = np.array([0.5, 1234.0, 0.0, 2e-7, np.nan, 33.3])
    after = numbers.decimals(values)
    texts = [numbers.number(float(value)) for value in values]
    assert [numbers.padded(text, after) for text in texts] == numbers.align(texts)


def test_a_column_without_fractions_needs_no_padding() -> None:
    assert numbers.decimals(np.array([0.0, np.inf])) == 0
    assert numbers.padded("0", 0) == "0"
