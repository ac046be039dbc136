"""Where runs are recorded, which of them are kept, and copies of recordings."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.recording.model import StepStart
from engine.recording.reader import open_recording
from engine.recording.writer import Writer
from gui import files
from gui.files import clean_up_runs, copy_recording, is_run_file, new_run_file
from tests.recordings import STARTED, make_info


def test_a_copy_is_one_file(bow: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.chain"
    copy_recording(bow, target)
    assert sorted(path.name for path in tmp_path.glob("*copy*")) == ["copy.chain"]
    target.chmod(0o444)
    with open_recording(target) as copy:
        assert copy.complete


def test_a_full_disk_is_not_held_against_the_recording(
    bow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def small(path: Path, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(path, **options)
        if str(path).endswith(".part"):
            connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(OSError, match=r"cannot be written to: database or disk is full\."):
        copy_recording(bow, tmp_path / "copy.chain")
    with pytest.raises(OSError, match=r"folder cannot be written to"):
        copy_recording(bow, tmp_path / "folder" / "copy.chain")
    assert list(tmp_path.glob("*copy*")) == []


def test_only_the_newest_runs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path
    monkeypatch.setattr(files, "cache_folder", lambda name: folder)
    for number in range(8):
        path = folder / f"run-{number}.chain"
        path.write_bytes(b"x" * 10)
        for suffix in ("-data", "-wal", "-shm"):
            (folder / f"{path.name}{suffix}").write_bytes(b"x" * 10)
        os.utime(path, (number, number))

    def kept() -> list[int]:
        left = sorted(path.name for path in folder.iterdir())
        names = [name for name in left if name.endswith(".chain")]
        assert left == sorted(f"{name}{suffix}" for name in names for suffix in ("", "-data", "-wal", "-shm"))
        return [int(name[4:-6]) for name in names]

    clean_up_runs(keep=folder / "run-0.chain")
    assert kept() == [0, 3, 4, 5, 6, 7]
    clean_up_runs(size=100)
    assert kept() == [6, 7]
    clean_up_runs(runs=0)
    assert kept() == []


def test_a_run_that_another_window_deletes_meanwhile_is_in_nobody_s_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "cache_folder", lambda name: tmp_path)
    (tmp_path / "gone.chain").symlink_to("deleted")  # listed, and not there when it is asked about
    (tmp_path / "old.chain").touch()
    clean_up_runs(runs=0)
    assert not (tmp_path / "old.chain").exists()


def test_a_run_that_another_window_still_records_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "cache_folder", lambda name: tmp_path)
    path = tmp_path / "running.chain"
    with Writer(path, make_info()) as writer:
        writer.put(StepStart(0, STARTED))
        clean_up_runs(runs=0)
        assert path.exists()
    with open_recording(path) as recording:
        assert recording.complete
    clean_up_runs(runs=0)
    assert list(tmp_path.iterdir()) == []


def test_runs_have_names_of_their_own(tmp_path: Path) -> None:
    first, second = new_run_file(tmp_path / "a.py"), new_run_file(tmp_path / "a.py")
    assert first != second
    assert is_run_file(first)
    assert not is_run_file(tmp_path / "a.chain")
    for path in (first, second):
        path.unlink()


def test_windows_that_run_a_script_at_once_record_in_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "cache_folder", lambda name: tmp_path)
    monkeypatch.setattr("time.strftime", lambda *_: "20260102-030405")
    together = threading.Barrier(8)

    def choose(_: int) -> Path:
        together.wait()
        return new_run_file(tmp_path / "a.py")

    with ThreadPoolExecutor(8) as windows:
        chosen = list(windows.map(choose, range(8)))
    assert len(set(chosen)) == 8
    assert sorted(tmp_path.glob("*.chain")) == sorted(chosen)


def test_a_folder_that_cannot_be_written_to_is_left_to_the_host_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "cache_folder", lambda name: tmp_path / "gone")
    assert new_run_file(tmp_path / "a.py").parent == tmp_path / "gone"
