"""A failure inside capture is never swallowed here, as it would be in front of a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.capture.recorder import STRICT, record
from engine.recording.check import check
from engine.recording.reader import Recording, open_recording


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STRICT, "1")


class Captured:
    """The recording of a `with` block, once it is over."""

    def __init__(self) -> None:
        self.recording: Recording

    def values(self, event: int, role: str) -> list[Any]:
        """The data that played `role` in `event`, by slot."""
        found = [value for value in self.recording.values(event) if value.role == role]
        return [self.recording.data(value.tensor) for value in sorted(found, key=lambda value: value.slot)]

    def events(self, kind: str) -> list[int]:
        """Numbers of the events of one kind."""
        recording = self.recording
        return [number for number in range(len(recording.timeline)) if recording.event(number).kind == kind]


Capture = Callable[..., AbstractContextManager[Captured]]


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Capture]:
    """`with capture() as captured: …` records the block; afterwards `captured.recording` is open and consistent."""
    opened: list[Recording] = []

    @contextmanager
    def captured(**options: Any) -> Iterator[Captured]:
        path = tmp_path / f"run{len(opened)}.chain"
        result = Captured()
        with record(path, script=__file__, **options):
            yield result
        result.recording = open_recording(path)
        opened.append(result.recording)
        assert check(result.recording) == []

    yield captured
    for recording in opened:
        recording.close()
