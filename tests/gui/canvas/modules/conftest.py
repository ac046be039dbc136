"""What tests of modules on the canvas look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.recording.reader import Recording, open_recording
from tests.recordings import make_chain


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    """Five layers of four operations and a parameter each."""
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=20)) as opened:
        yield opened
