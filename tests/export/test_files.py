"""Files that others find whole, or not at all."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.export import dot, graphml, json_
from tests.export.samples import bow


def _fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def half(self: Path, data: Any) -> int:
        real(self, bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)


@pytest.mark.parametrize("form", [dot, graphml, json_])
def test_what_was_there_stays_on_a_full_disk(form: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, layout = bow(tmp_path)
    target = tmp_path / "out" / "bow.data"
    target.parent.mkdir()
    target.write_text("mine")
    _fill_the_disk(monkeypatch)
    with pytest.raises(UsageError, match=r"Cannot write .*out.bow\.data: No space"):
        form.write(graph, layout, target)
    assert [each.read_text() for each in target.parent.iterdir()] == ["mine"]
