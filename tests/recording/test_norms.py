"""Norms of a training step's gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import RecordingError
from engine.recording.model import StepStart
from engine.recording.reader import Recording, open_recording
from engine.recording.writer import Writer
from tests.recordings import Script, make_bow, make_info


@pytest.fixture
def bow(tmp_path: Path) -> Recording:
    return open_recording(make_bow(tmp_path / "bow.chain"))


def test_norms_are_of_what_an_event_takes_in(bow: Recording) -> None:
    """The square is entered by 1 and passes on -7.5; the product is entered by -7.5 and passes on -15."""
    nan = np.nan
    np.testing.assert_array_equal(bow.norms(0), [nan, nan, nan, nan, 1, 7.5, 7.5, 7.5, 7.5, 15, 15, 7.5])
    assert bow.norms(0) is bow.norms(0)
    with pytest.raises(ValueError, match="read-only"):
        bow.norms(0)[0] = 1
    with pytest.raises(RecordingError, match="no step 3"):
        bow.norms(3)


def test_what_a_node_passed_on(bow: Recording) -> None:
    """The loss passes -7.5 on to the difference, and the product -15 to w."""
    places, norms = bow.sent_norms(0)
    sent = {(event, slot): norm for (event, slot), norm in zip(places.tolist(), norms.tolist(), strict=True)}
    passed = {
        (event, value.slot): float(bow.data(value.tensor))  # type: ignore[arg-type]
        for event in range(4, 12)
        if bow.event(event).kind == "backward"
        for value in bow.values(event)
        if value.role == "grad_input"
    }
    for (event, slot), norm in sent.items():
        assert norm == abs(passed[event, slot])
    assert sent[4, 0] == 7.5
    assert sent.keys() == passed.keys()
    assert bow.sent_norms(0)[1] is norms
    with pytest.raises(RecordingError, match="no step 3"):
        bow.sent_norms(3)


def test_gradients_that_are_not_finite_are_told_apart(tmp_path: Path) -> None:
    """Their norms are of what is finite in them."""
    path = tmp_path / "run.chain"
    with Writer(path, make_info()) as writer:
        writer.put(StepStart(0, 0.0))
        script = Script(writer)
        for gradient in ([3.0, 4.0], [3.0, np.inf], [np.nan, -np.inf], [np.nan, 2.0]):
            script.event(0, None, "backward", None, values={("grad_output", 0, ""): gradient})
        script.event(0, None, "backward", None, values={("grad_output", 0, ""): [1.0], ("grad_input", 0, ""): [np.nan]})
    with open_recording(path) as recording:
        assert recording.odd(0).tolist() == [0, 1, 2, 2, 0]
        np.testing.assert_array_equal(recording.norms(0), [5.0, 3.0, np.nan, 2.0, 1.0])
