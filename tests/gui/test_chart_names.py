"""Which names stand below bars."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gui.chart_names import MOST_PARTS, names_below


def wide(text: str) -> float:
    return 6.0 * len(text)


def test_few_bars_have_a_name_each() -> None:
    assert names_below(("fc.weight", "fc.bias"), 70.0, wide) == [(0, "fc.weight"), (1, "fc.bias")]


def test_no_name_stands_on_another_one() -> None:
    names = [f"layer{block}.conv{place}" for block in range(4) for place in range(5)]
    below = names_below(names, 20.0, wide)
    assert below
    for (left, one), (right, other) in pairwise(below):
        assert (right - left) * 20.0 >= (wide(one) + wide(other)) / 2


def test_many_bars_are_named_by_what_they_are_parts_of() -> None:
    names = ["stem.weight", *(f"layer{block}.{place}.weight" for block in range(3) for place in range(MOST_PARTS))]
    below = names_below(names, 10.0, wide)
    assert below == [
        (0, "stem"), *((1 + block * MOST_PARTS + (MOST_PARTS - 1) / 2, f"layer{block}") for block in range(3))
    ]  # fmt: skip


@pytest.mark.parametrize("names", [(), ("w",)])
def test_nothing_and_one(names: tuple[str, ...]) -> None:
    assert names_below(names, 50.0, wide) == [(0, name) for name in names]
