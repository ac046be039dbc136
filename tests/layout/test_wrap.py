"""Columns."""

from __future__ import annotations

import numpy as np
import pytest

from engine.layout import wrap
from engine.layout.wrap import MOST_LANES, Profile


def profile(rows: int, *, links: int = 1) -> Profile:
    return Profile(
        height=np.full(rows, 26.0),
        left=np.full(rows, -100.0),
        right=np.full(rows, 100.0),
        links=np.full(rows, links),
        lanes=np.full(rows, links),
    )


def wrapped(measured: Profile, aspect: float = 1.6, *, short: bool = False) -> list[int]:
    columns = wrap.wrap(measured, aspect, short=short)
    assert wrap.check(measured, columns) == []
    counts: list[int] = np.bincount(columns.column).tolist()
    return counts


def test_a_ribbon_becomes_columns() -> None:
    counts = wrapped(profile(200))
    assert len(counts) > 3
    assert max(counts) - min(counts) < 12


def test_a_few_rows_stay_one_column() -> None:
    assert wrapped(profile(12)) == [12]


def test_broken_where_fewest_lines_pass() -> None:
    measured = profile(200, links=3)
    cheap = np.arange(9, 200, 10)
    measured.links[cheap], measured.lanes[cheap] = 1, 1
    counts = wrapped(measured)
    assert all(count % 10 == 0 for count in counts[:-1])


def test_not_broken_where_too_many_lines_pass() -> None:
    assert wrapped(profile(200, links=MOST_LANES + 1)) == [200]


def test_one_column_that_must_be_tall_lets_the_others_be() -> None:
    measured = profile(200)
    measured.lanes[20:120] = MOST_LANES + 1
    counts = wrapped(measured)
    assert max(counts) >= 100
    assert len(counts) <= 3


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_next_to_nothing(rows: int) -> None:
    assert sum(wrapped(profile(rows))) == rows


def test_short_columns_have_few_rows() -> None:
    counts = wrapped(profile(12), aspect=6.0, short=True)
    assert len(counts) > 2
    assert max(counts) - min(counts) <= 1


def test_a_short_column_ends_before_what_is_too_tall_for_it() -> None:
    measured = profile(7)
    measured.height[-1] = 500.0
    assert wrapped(measured) == [7]
    assert wrapped(measured, short=True) == [6, 1]
