"""Differences of recorded tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.recording.model import Level
from engine.recording.reader import open_recording
from engine.recording.statistics import statistics_of
from engine.recording.writer import Writer
from gui.tensor_views.loaded import Loaded, difference, element
from tests.recordings import make_info, make_tensor


def test_a_difference_is_exact_and_has_statistics(tmp_path: Path) -> None:
    before, after = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), np.array([[0.5, 2.5], [3.0, -4.0]], np.float32)
    loaded = _difference(tmp_path, after, before)
    assert loaded is not None
    assert loaded.data is not None
    np.testing.assert_array_equal(loaded.data, after - before)
    assert loaded.tensor.statistics == statistics_of(after - before)
    assert loaded.tensor.level == "full"


@pytest.mark.parametrize(("level", "expected"), [("full", "full"), ("preview", "preview"), ("stats", None)])
def test_the_level_of_a_difference(tmp_path: Path, level: Level, expected: str | None) -> None:
    loaded = _difference(tmp_path, np.ones((4, 2)), np.zeros((4, 2)), level)
    assert (None if loaded is None else loaded.tensor.level) == expected


def test_tensors_that_do_not_match_have_no_difference(tmp_path: Path) -> None:
    assert _difference(tmp_path, np.ones(3), np.ones(4)) is None


def _difference(folder: Path, after: np.ndarray, before: np.ndarray, level: Level = "full") -> Loaded | None:
    path = folder / "two.chain"
    with Writer(path, make_info()) as writer:
        writer.put(make_tensor(0, before, level=level))
        writer.put(make_tensor(1, after, level=level))
    with open_recording(path) as recording:
        return difference(recording, 1, 0)


def test_the_value_of_one_element() -> None:
    tensor = make_tensor(0, np.float32(0.1))
    assert element(Loaded(tensor, np.array([0.1], np.float32))) == np.float32(0.1)
    assert element(Loaded(tensor, None)) == pytest.approx(0.1)
    assert np.isnan(element(Loaded(make_tensor(0, np.float32(np.nan)), None)))
    assert element(Loaded(make_tensor(0, np.complex64(1j)), None)) is None
