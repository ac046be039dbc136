from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.recording.room import Room

GIB = 1 << 30


class Disk:
    """Stands in for the one that the tests run on."""

    def __init__(self, free: int) -> None:
        self.free = free

    def usage(self, folder: Path) -> Disk:
        if self.free < 0:
            raise OSError("no such disk")
        return self


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk(100 * GIB)
    monkeypatch.setattr(shutil, "disk_usage", made.usage)
    return made


def test_a_large_disk_is_filled_up_to_what_is_left_to_others(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path)
    disk.free = 4 * GIB
    assert room.why_no_tensors(96 * GIB) == ""
    disk.free -= 1
    assert room.why_no_tensors(96 * GIB) == f"4.0 GiB are left on the disk of {tmp_path}."
    assert room.why_nothing() == ""
    disk.free = GIB - 1
    assert room.why_nothing() == f"1,024 MiB are left on the disk of {tmp_path}."


def test_of_a_small_disk_half_is_left_by_tensors_and_a_quarter_by_all(disk: Disk, tmp_path: Path) -> None:
    disk.free = 1000 << 20
    room = Room(tmp_path)
    disk.free = 500 << 20
    assert room.why_no_tensors(500 << 20) == ""
    disk.free = 499 << 20
    assert room.why_no_tensors(501 << 20) == f"499 MiB are left on the disk of {tmp_path}."
    disk.free = 250 << 20
    assert room.why_nothing() == ""
    disk.free = 249 << 20
    assert room.why_nothing() == f"249 MiB are left on the disk of {tmp_path}."


def test_what_one_file_will_need_is_kept_free(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path)
    disk.free = 52 * GIB
    assert room.why_no_tensors(48 * GIB, later=48 * GIB) == ""
    disk.free = 51 * GIB
    assert room.why_no_tensors(49 * GIB, later=49 * GIB) == (
        f"51.0 GiB are left on the disk of {tmp_path}, and 49.0 GiB of them are needed to make it one file."
    )


def test_a_recording_may_take_what_it_is_given(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path, limit=8 * GIB)
    assert room.why_no_tensors(8 * GIB - 1) == ""
    assert room.why_no_tensors(8 * GIB) == "the recording has taken the 8.0 GiB that it may."
    assert room.why_nothing() == ""


def test_a_disk_that_cannot_be_asked_counts_as_large(disk: Disk, tmp_path: Path) -> None:
    disk.free = -1
    room = Room(tmp_path)
    assert room.why_no_tensors(GIB) == room.why_nothing() == ""
