"""What several nodes are together, by hand for the bow."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.graph.summary import summarize
from engine.recording.reader import open_recording
from tests.recordings import make_bow


def test_two_parameters_and_an_operation(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        ids = {node.name: node.id for node in recording.nodes(0)}
        found = summarize(recording, 0, {ids["w"], ids["b"], ids["prediction"]})
        assert sorted(found.titles) == ["b", "prediction", "w"]
        assert (found.kinds["parameter"], found.kinds["operation"], found.elements) == (2, 1, 2)
        assert found.parameter_norm == pytest.approx((15.0**2 + 7.5**2) ** 0.5)
        assert found.node_norm > found.parameter_norm
        largest = found.extreme(largest=True)
        assert largest is not None
        assert found.titles[largest] == "w"
        assert found.took == pytest.approx(0.005, rel=1e-3)


def test_nothing_and_data_only(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        empty = summarize(recording, 0, set())
        assert empty.extreme(largest=True) is None
        assert empty.parameter_norm != empty.parameter_norm
        x = next(node.id for node in recording.nodes(0) if node.name == "x")
        assert summarize(recording, 0, {x}).extreme(largest=False) is None
