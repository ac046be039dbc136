from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.canvas.lod import LARGEST, SMALLEST, STEPS_PER_OCTAVE, Detail, detail_at, snapped


def test_more_is_shown_the_nearer_one_is() -> None:
    seen = [detail_at(scale) for scale in (0.05, 0.4, 1.0, 2.0)]
    assert seen == [Detail.DOT, Detail.NAME, Detail.TEXT, Detail.CLOSE]


def test_a_fine_screen_does_not_show_smaller_text() -> None:
    assert detail_at(1.0, 2.0) == detail_at(0.5)


@given(st.floats(SMALLEST, LARGEST))
def test_snapped_is_near_and_stays(scale: float) -> None:
    on_ladder = snapped(scale)
    assert snapped(on_ladder) == pytest.approx(on_ladder)
    assert abs(on_ladder / scale - 1) < 2 ** (0.51 / STEPS_PER_OCTAVE) - 1 + 1e-9
    assert snapped(scale, down=True) <= scale * (1 + 1e-6)
