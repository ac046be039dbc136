from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RecordingError
from engine.recording import beside, onefile, writer
from engine.recording.check import check
from engine.recording.model import Event, Value
from engine.recording.reader import Recording, open_recording
from engine.recording.writer import Writer
from tests.recordings import make_info, make_tensor

LARGE = 20_000  # float64
SIZES = (3, LARGE, 5, 2 * LARGE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.chain"


def fill(out: Writer) -> None:
    for number, size in enumerate(SIZES):
        out.put(make_tensor(number, np.full(size, number)))
        out.put(Value(number, "output", 0, "", number))
        out.put(Event(number, 0, None, "forward", None, None, 0.0))
    out.flush()


def assert_readable(recording: Recording) -> None:
    for number, size in enumerate(SIZES):
        np.testing.assert_array_equal(recording.data(number), np.full(size, number))


def assert_whole(recording: Recording) -> None:
    assert_readable(recording)
    assert check(recording) == []


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def two_files(path: Path) -> None:
    with Writer(path, make_info(), one_file=False) as out:
        fill(out)
    assert names(path.parent) == ["run.chain", "run.chain-data"]


def test_large_tensors_lie_beside_a_recording_while_it_is_written(path: Path) -> None:
    with Writer(path, make_info()) as out:
        fill(out)
        assert beside.name_of(path).stat().st_size > 3 * LARGE * 8
        with open_recording(path) as recording:
            assert_whole(recording)
    assert names(path.parent) == ["run.chain"]
    with open_recording(path) as recording:
        assert_whole(recording)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT DISTINCT typeof(data) FROM tensor").fetchall() == [("blob",)]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_they_may_stay_there(path: Path) -> None:
    two_files(path)
    with open_recording(path) as recording:
        assert recording.complete
        assert_whole(recording)


@pytest.mark.parametrize("held", [False, True])
def test_a_reader_goes_on_where_the_recording_becomes_one_file(held: bool, path: Path) -> None:
    two_files(path)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.data(1), np.full(LARGE, 1))
        if held:
            with recording.held():
                onefile.replace(path)
                assert_readable(recording)
        else:
            onefile.replace(path)
        assert_whole(recording)
    assert names(path.parent) == ["run.chain"]


def test_one_that_was_live_goes_on_too(path: Path) -> None:
    out = Writer(path, make_info())
    fill(out)
    with open_recording(path) as recording:
        assert recording.live
        out.close()
        assert names(path.parent) == ["run.chain"]
        assert_whole(recording)
        assert recording.refresh()
        assert recording.complete
        assert_whole(recording)


@pytest.mark.parametrize("closed", [False, True])
def test_a_copy_is_one_file(closed: bool, path: Path, tmp_path: Path) -> None:
    out = Writer(path, make_info(), one_file=False)
    fill(out)
    if closed:
        out.close()
    copy = tmp_path / "copies" / "copy.chain"
    copy.parent.mkdir()
    with open_recording(path) as recording:
        onefile.write(recording, copy)
    out.close()
    path.unlink()
    beside.name_of(path).unlink()
    assert names(copy.parent) == ["copy.chain"]
    with open_recording(copy) as recording:
        assert recording.complete is closed
        assert_whole(recording)


def test_without_the_file_beside_it_a_recording_says_what_is_missing(path: Path, tmp_path: Path) -> None:
    two_files(path)
    beside.name_of(path).unlink()
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.data(0), np.full(3, 0))
        with pytest.raises(RecordingError, match=r"run\.chain-data is missing"):
            recording.data(1)
        assert [*map(str, check(recording))] == [
            f"tensor {number}: {beside.name_of(path)} is missing: large tensors of run.chain lie in it. "
            "Put the two files together again."
            for number in (1, 3)
        ]
        with pytest.raises(OSError, match=r"run\.chain-data is missing"):
            onefile.write(recording, tmp_path / "copy.chain")
    assert names(tmp_path) == ["run.chain"]


def test_that_of_another_recording_is_refused(path: Path, tmp_path: Path) -> None:
    two_files(path)
    other = tmp_path / "other.chain"
    with Writer(other, make_info(), one_file=False) as out:
        fill(out)
    os.replace(beside.name_of(other), beside.name_of(path))
    with open_recording(path) as recording, pytest.raises(RecordingError, match="belongs to another recording"):
        recording.data(1)


@pytest.mark.parametrize(
    "forgery", ["data = -1", "data = 7", "data = 9223372036854775807", "data = 0.5", "data = 'x'", "data = data + 8"]
)
def test_forged_places_are_refused(forgery: str, path: Path) -> None:
    two_files(path)
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE tensor SET {forgery} WHERE id = 1")
    connection.commit()
    connection.close()
    with open_recording(path) as recording:
        with pytest.raises(RecordingError, match=r"run\.chain is damaged"):
            recording.data(1)
        assert check(recording)
        np.testing.assert_array_equal(recording.data(3), np.full(2 * LARGE, 3))


@pytest.mark.parametrize("error", [PermissionError("not today."), KeyboardInterrupt()])
def test_where_it_cannot_be_one_file_it_stays_two(
    error: BaseException, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: str, target: str) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    out = Writer(path, make_info())
    fill(out)
    reason = str(error) or "interrupted."
    told = pytest.warns(RuntimeWarning, match=rf"run\.chain-data, since they could not be put into it: {reason} Keep")
    if isinstance(error, KeyboardInterrupt):
        with told, pytest.raises(KeyboardInterrupt):
            out.close()
    else:
        with told:
            out.close()
    assert names(path.parent) == ["run.chain", "run.chain-data"]
    with open_recording(path) as recording:
        assert recording.complete
        assert_whole(recording)


def test_while_another_program_reads_it_stays_two_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_CLOSE_PATIENCE", 0.05)
    out = Writer(path, make_info())
    fill(out)
    with open_recording(path) as recording, recording.held():
        with pytest.warns(RuntimeWarning, match="two files.*another program is reading it. Keep"):
            out.close()
        assert_whole(recording)
    with open_recording(path) as recording:
        assert recording.complete
        assert_whole(recording)


def test_the_log_of_what_a_copy_replaces_is_not_read_with_it(path: Path, tmp_path: Path) -> None:
    two_files(path)
    target = tmp_path / "target.chain"
    killed = Writer(tmp_path / "other.chain", make_info("other.py"))
    fill(killed)
    for suffix in ("", "-wal", "-data"):
        (tmp_path / f"target.chain{suffix}").write_bytes((tmp_path / f"other.chain{suffix}").read_bytes())
    killed.close()
    with open_recording(path) as recording:
        onefile.write(recording, target)
    with open_recording(target) as copy:
        assert copy.info.script == make_info().script
        assert_whole(copy)


def test_a_recording_that_took_the_name_is_left_alone(path: Path) -> None:
    """As of two processes of one training, which record into one file."""
    two_files(path)
    with pytest.raises(RecordingError, match="is another recording by now"):
        onefile.replace(path, bytes(16))
    assert names(path.parent) == ["run.chain", "run.chain-data"]
    with open_recording(path) as recording:
        assert_whole(recording)
        identity = recording.identity
    onefile.replace(path, identity)
    assert names(path.parent) == ["run.chain"]


def test_what_cannot_be_removed_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise PermissionError("somebody reads it")

    with Writer(path, make_info()) as out:
        monkeypatch.setattr(beside, "remove", fail)
        fill(out)
    beside.name_of(path).unlink()
    with open_recording(path) as recording:
        assert_whole(recording)


def test_a_script_that_goes_to_another_folder(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    with Writer(Path("run.chain"), make_info()) as out:
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        fill(out)
    assert names(path.parent) == ["run.chain"]
    assert names(Path.cwd()) == []
    with open_recording(path) as recording:
        assert_whole(recording)


def test_a_new_recording_replaces_both_files(path: Path) -> None:
    two_files(path)
    Writer(path, make_info()).close()
    assert names(path.parent) == ["run.chain"]


def test_a_file_that_is_in_the_way_is_left_alone(path: Path) -> None:
    beside.name_of(path).write_text("mine")
    with pytest.raises(RecordingError, match=r"run\.chain-data is in the way"):
        Writer(path, make_info())
    assert beside.name_of(path).read_text() == "mine"


def first_and_second(path: Path) -> tuple[Writer, Writer]:
    """Two recordings of one name: as of two processes of one training, or of a script that is started again."""
    return Writer(path, make_info("first.py")), Writer(path, make_info("second.py"))


def assert_second(path: Path) -> None:
    with open_recording(path) as recording:
        assert recording.info.script == "second.py"
        assert_whole(recording)


@pytest.mark.parametrize("large", [False, True])
def test_who_has_lost_the_name_removes_no_log_of_the_other(large: bool, path: Path) -> None:
    first = Writer(path, make_info("first.py"))
    if large:
        fill(first)
    second = Writer(path, make_info("second.py"))
    fill(second)
    before = names(path.parent)
    if large:
        with pytest.warns(RuntimeWarning, match=r"run\.chain is lost: another recording"):
            first.close()
    else:
        first.close()
    assert names(path.parent) == before
    assert_second(path)
    second.close()
    assert_second(path)
    assert names(path.parent) == ["run.chain"]


def test_who_has_lost_the_name_takes_nothing_that_is_the_other_s(path: Path) -> None:
    first, second = first_and_second(path)
    with pytest.raises(RecordingError, match="another recording has taken its name"):
        first.set_aside(bytes(beside.SMALLEST))
    fill(second)
    second.close()
    first.close()
    assert_second(path)
    assert names(path.parent) == ["run.chain"]


def test_a_recording_that_takes_the_name_meanwhile_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Writer(path, make_info("first.py"))
    fill(first)
    take_in = onefile._take_in
    second: list[Writer] = []

    def take_long(copy: sqlite3.Connection, recording: Recording) -> None:
        take_in(copy, recording)
        second.append(Writer(path, make_info("second.py")))
        fill(second[0])

    monkeypatch.setattr(onefile, "_take_in", take_long)
    with pytest.warns(RuntimeWarning, match=r"run\.chain is lost: another recording"):
        first.close()
    monkeypatch.undo()
    assert_second(path)
    second[0].close()
    assert_second(path)
    assert names(path.parent) == ["run.chain"]


def test_a_copy_leaves_nothing_of_what_it_replaces(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "run.chain"
    target.parent.mkdir()
    two_files(target)
    Writer(path, make_info()).close()
    with open_recording(path) as recording:
        onefile.write(recording, target)
    assert names(target.parent) == ["run.chain"]


@pytest.fixture
def link(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    link = tmp_path_factory.mktemp("links") / "latest.chain"
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("there are no links here")
    return link


def test_a_link_to_a_recording_that_is_written(path: Path, link: Path) -> None:
    with Writer(path, make_info()) as out:
        fill(out)
        with open_recording(link) as recording:
            assert_whole(recording)


def test_a_recording_is_made_where_a_link_leads_to(path: Path, link: Path) -> None:
    with Writer(link, make_info()) as out:
        fill(out)
    assert link.is_symlink()
    assert names(path.parent) == ["run.chain"]
    with open_recording(link) as recording:
        assert_whole(recording)
