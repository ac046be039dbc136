"""A failure inside capture is never swallowed here, as it would be in front of a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.capture.recorder import STRICT, record
from engine.optimizers.verify import UpdateProof, verify_updates
from engine.recording.reader import Recording, open_recording


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STRICT, "1")


class Recorded:
    """Records programs, and proves their updates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: list[Recording] = []
        self.path = folder

    def __call__(self, program: Callable[[], Any], **options: Any) -> list[UpdateProof]:
        """Run `program` under capture; the proofs of its updates."""
        self.path = self._folder / f"run{len(self._open)}.chain"
        with record(self.path, script=__file__, **options):
            program()
        return self.proofs()

    def proofs(self) -> list[UpdateProof]:
        found = list(verify_updates(self.opened()))
        assert found, "no update was recorded"
        return found

    def opened(self) -> Recording:
        """The last recording."""
        recording = open_recording(self.path)
        self._open.append(recording)
        return recording

    def close(self) -> None:
        for recording in self._open:
            recording.close()


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    found = Recorded(tmp_path)
    yield found
    found.close()
