"""Small tensors where there is little room."""

from __future__ import annotations

import pytest

from gui.manual.columns import fitted
from gui.tensor_views.painting import metrics

pytestmark = pytest.mark.usefixtures("qapp")
TENSOR = "[0.7463391, -1.25, 3.0, 0.16406232]"


@pytest.mark.parametrize(
    ("like", "expected"),
    [
        (TENSOR, TENSOR),
        (TENSOR[:-2], "[0.7463391, -1.25, …, 0.16406232]"),
        ("[0.7463391, …, 0.16406232]", "[0.7463391, …, 0.16406232]"),
        ("[0.7463391, …]", "[0.7463391, …]"),
    ],
)
def test_numbers_are_left_out_and_not_cut(like: str, expected: str) -> None:
    """Half a number would be another number."""
    assert fitted(TENSOR, metrics("number").horizontalAdvance(like)) == expected


def test_a_single_number_stays(qapp: object) -> None:
    assert fitted("0.7463391", 1) == "0.7463391"
