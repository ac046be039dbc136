from __future__ import annotations

import dataclasses
import json
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RecordingError
from engine.recording import encode, writer
from engine.recording.check import check
from engine.recording.model import Event, Graph, Node, Note, Row, Source, StepStart, Tensor, Value
from engine.recording.reader import open_recording
from engine.recording.writer import Writer
from tests.recordings import make_bow, make_info, make_tensor

PATIENCE = 30.0  # seconds until a wait counts as a hang


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.chain"


def event(number: int) -> Event:
    return Event(number, 0, None, "forward", None, None, 1.5 * number)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def put_many(out: Writer) -> None:
    for number in range(100):
        out.put(make_tensor(number, np.zeros(6_000)))


def put_many_and_flush(out: Writer) -> None:
    put_many(out)
    out.flush()


def test_rows_are_committed_without_being_asked_to(path: Path) -> None:
    with Writer(path, make_info()) as out:
        out.put(event(0))
        wait_until(lambda: out.committed_events == 1)
        with open_recording(path) as recording:
            assert len(recording.timeline) == 1
            assert recording.live
            assert not recording.complete
            assert recording._connection is None


def test_flush_waits_for_everything(path: Path) -> None:
    with Writer(path, make_info()) as out:
        for number in range(500):
            out.put(event(number))
        out.flush()
        assert out.committed_events == 500
        out.flush()


def test_a_closed_recording_is_one_file(path: Path) -> None:
    out = Writer(path, make_info())
    out.put(event(0))
    out.flush()
    assert Path(f"{path}-wal").exists()
    out.close()
    assert [file.name for file in path.parent.iterdir()] == ["run.chain"]
    with open_recording(path) as recording:
        assert recording.complete
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_reader_does_not_keep_the_writer_from_making_one_file(path: Path) -> None:
    out = Writer(path, make_info())
    out.put(event(0))
    out.flush()
    with open_recording(path) as recording:
        recording.event(0)
        out.close()
        assert [file.name for file in path.parent.iterdir()] == ["run.chain"]
        assert recording.refresh()
        assert recording.complete


def test_a_reader_that_holds_on_delays_but_does_not_hurt(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_CLOSE_PATIENCE", 0.05)
    out = Writer(path, make_info())
    out.put(event(0))
    out.flush()
    with open_recording(path) as recording, recording.held():
        out.close()
    with open_recording(path) as recording:
        assert recording.complete
        assert len(recording.timeline) == 1


def test_after_close_nothing_happens(path: Path) -> None:
    out = Writer(path, make_info())
    out.close()
    content = path.read_bytes()
    out.put(event(0))
    out.put_all([event(1)])
    out.flush()
    out.close()
    assert path.read_bytes() == content


def test_every_kind_of_row_comes_back(path: Path) -> None:
    node = Node(7, 0, "operation", "MulBackward0", "aten.mul", "y", "block.0", "Block", 0, 3, "forward", (2, 3),
                "float32", 11, None, 0, {"args": {"alpha": 1}})  # fmt: skip
    tensor = make_tensor(0, np.arange(6, dtype=np.float32).reshape(2, 3))
    rows: list[Row] = [
        Source(0, "train.py", "print('é')\n"),
        StepStart(0, 1.0),
        Graph(0, 0, "backward", 7, 0.1),
        node,
        tensor,
        Value(0, "output", 0, "", 0),
        Event(0, 0, 0, "forward", 7, None, 2.0, {"k": [1, 2.5, None, "x"]}),
        Note(0, None, "something was left out"),
    ]
    with Writer(path, make_info()) as out:
        out.put_all(rows)
    with open_recording(path) as recording:
        assert recording.info == make_info()
        assert recording.source(0) == rows[0]
        assert recording.graphs == (rows[2],)
        assert recording.nodes(0) == (node,)
        assert recording.values(0) == (rows[5],)
        assert recording.event(0) == rows[6]
        assert recording.notes == (rows[7],)
        read = recording.tensor(0)
        assert read.statistics == tensor.statistics
        assert read.histogram is not None
        assert tensor.histogram is not None
        assert read.histogram.counts.tolist() == tensor.histogram.counts.tolist()
        np.testing.assert_array_equal(recording.data(0), np.arange(6).reshape(2, 3))


def test_nan_and_infinity_survive(path: Path) -> None:
    info = {"lr": math.inf, "betas": (math.nan, -math.inf)}
    tensor = make_tensor(0, [1.0])
    tensor = dataclasses.replace(tensor, statistics=dataclasses.replace(tensor.statistics, norm=math.inf))
    with Writer(path, make_info()) as out:
        out.put_all(Graph(number, 0, "backward", 0, loss) for number, loss in enumerate((math.nan, math.inf, None)))
        out.put(tensor)
        out.put(Event(0, 0, 0, "update", None, None, 0.0, info))
    with open_recording(path) as recording:
        losses = [graph.loss for graph in recording.graphs]
        assert math.isnan(losses[0] or 0)
        assert losses[1:] == [math.inf, None]
        read = recording.event(0).info
        assert read["lr"] == math.inf
        assert math.isnan(read["betas"][0])
        assert read["betas"][1] == -math.inf
        assert recording.tensor(0).statistics.norm == math.inf
    connection = sqlite3.connect(path)
    (text,) = connection.execute("SELECT info FROM event").fetchone()
    assert connection.execute("SELECT json_valid(info) FROM event").fetchone() == (1,)
    connection.close()
    assert json.loads(text)["lr"] == {"$float": "Infinity"}


def test_what_sqlite_cannot_hold_is_made_fit(path: Path) -> None:
    with Writer(path, make_info("\udcff.py")) as out:
        out.put(Source(0, "dir/\udcff.py", "x = '\ud800'"))
        out.put(Graph(0, 0, "backward", 0, None))
        out.put(Node(0, 0, "parameter", "AccumulateGrad", sequence_nr=2**64 - 1, parameter=0))
    with open_recording(path) as recording:
        assert recording.source(0).path == r"dir/\udcff.py"
        assert recording.node(0).sequence_nr is None


def test_a_tensor_too_large_for_a_row_keeps_its_statistics(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "MAX_LENGTH", 10_000)
    with Writer(path, make_info()) as out:
        out.put(make_tensor(0, np.ones(200, np.float64)))
        out.put(make_tensor(1, np.ones(2000, np.float64)))
    with open_recording(path) as recording:
        assert recording.tensor(0).level == "full"
        assert recording.tensor(1).level == "stats"
        assert recording.data(1) is None
        assert check(recording) == []


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 300_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, np.ndarray])
def test_blobs_of_all_sizes_and_buffers(size: int, kind: type, path: Path) -> None:
    values = np.random.default_rng(size).integers(0, 255, size, np.uint8)
    data = {"bytes": values.tobytes(), "bytearray": bytearray(values), "memoryview": memoryview(values.tobytes())}
    tensor = dataclasses.replace(make_tensor(3, values), data=data.get(kind.__name__, values))
    with Writer(path, make_info()) as out:
        out.put(tensor)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.data(3), values)


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes among its files")
def test_a_device_or_a_pipe_is_not_replaced(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(RecordingError, match="a device or a pipe"):
        Writer(path, make_info())
    assert path.is_fifo()


def test_a_folder_that_may_not_be_written_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: not (Path(place) == path.parent and mode == os.W_OK))
    with pytest.raises(RecordingError, match="no permission to write to its folder"):
        Writer(path, make_info())
    assert not path.exists()


def test_an_older_recording_is_replaced_and_other_files_are_not(path: Path, tmp_path: Path) -> None:
    make_bow(path)
    Writer(path, make_info("other.py")).close()
    with open_recording(path) as recording:
        assert recording.info.script == "other.py"
        assert recording.steps == ()
    script = tmp_path / "train.py"
    script.write_text("import torch\n" * 20)
    with pytest.raises(RecordingError, match="not a recording"):
        Writer(script, make_info())
    assert script.read_text().startswith("import torch")


def test_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="folder"):
        Writer(tmp_path, make_info())
    with pytest.raises(RecordingError, match="does not exist"):
        Writer(tmp_path / "missing" / "run.chain", make_info())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_writes_nothing(path: Path) -> None:
    out = Writer(path, make_info())
    out.put(event(0))
    child = os.fork()
    if child == 0:
        try:
            out.put(event(1))
            out.flush()
            out.close()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    out.put(event(1))
    out.close()
    with open_recording(path) as recording:
        assert len(recording.timeline) == 2


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The writer's thread does nothing before this is set."""
    gate = threading.Event()
    write = Writer._write_batch

    def wait_and_write(self: Writer) -> None:
        gate.wait(PATIENCE)
        write(self)

    monkeypatch.setattr(Writer, "_write_batch", wait_and_write)
    yield gate
    gate.set()


def test_a_full_queue_makes_put_wait(path: Path, stalled: threading.Event) -> None:
    out = Writer(path, make_info(), queue_bytes=10_000)
    finished = threading.Event()

    def produce() -> None:
        for number in range(10):
            out.put(make_tensor(number, np.zeros(1000, np.float32)))
        finished.set()

    producer = threading.Thread(target=produce)
    producer.start()
    wait_until(lambda: len(out._rows) == 2)
    assert not finished.wait(0.1)
    assert len(out._rows) == 2
    stalled.set()
    assert finished.wait(PATIENCE)
    producer.join()
    out.close()
    with open_recording(path) as recording:
        assert [recording.tensor(number).id for number in range(10)] == list(range(10))


def test_a_row_larger_than_the_queue_is_still_written(path: Path) -> None:
    with Writer(path, make_info(), queue_bytes=100) as out:
        for number in range(3):
            out.put(make_tensor(number, np.full(1000, number)))
    with open_recording(path) as recording:
        for number in range(3):
            np.testing.assert_array_equal(recording.data(number), np.full(1000, number))


def test_a_failure_in_the_thread_reaches_the_caller(path: Path) -> None:
    out = Writer(path, make_info())
    out._connection.execute("PRAGMA max_page_count = 40")  # the disk is full
    with pytest.raises(RecordingError, match="full"):
        put_many_and_flush(out)
    with pytest.raises(RecordingError, match="full"):
        out.put(event(0))
    with pytest.raises(RecordingError, match="full"):
        out.flush()
    with pytest.raises(RecordingError, match="full"):
        out.close()
    out.close()
    with open_recording(path) as recording:
        assert not recording.complete


def test_a_waiting_put_hears_of_a_failure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Writer) -> None:
        wait_until(lambda: bool(self._done._waiters))  # type: ignore[attr-defined]
        raise OSError("the disk is gone")

    monkeypatch.setattr(Writer, "_write_batch", fail)
    out = Writer(path, make_info(), queue_bytes=1000)
    with pytest.raises(RecordingError, match="the disk is gone"):
        put_many(out)
    with pytest.raises(RecordingError, match="the disk is gone"):
        out.close()


def test_many_small_and_large_rows_in_order(path: Path) -> None:
    chance = random.Random(1)
    with Writer(path, make_info()) as out:
        for number in range(3000):
            if chance.random() < 0.02:
                out.put(make_tensor(number, np.full(chance.randrange(40_000), number, np.float32)))
            out.put(event(number))
    with open_recording(path) as recording:
        assert len(recording.timeline) == 3000
        assert check(recording) == []
        assert recording.event(2999) == event(2999)


KILLED = """
    import sys
    from pathlib import Path
    import numpy as np
    from engine.recording.model import Event, StepStart, Value
    from engine.recording.writer import Writer
    from tests.recordings import make_info, make_tensor

    out = Writer(Path(sys.argv[1]), make_info())
    for number in range(1_000_000):
        out.put(make_tensor(number, np.full(5000 + 5000 * (number % 2), number, np.float64)))
        out.put(Value(number, "output", 0, "", number))
        out.put(Event(number, number // 100, None, "forward", None, None, 0.0))
        if number % 7 == 0:
            out.flush()
            print(out.committed_events, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("lines", [1, 2, 30, 80])
def test_what_was_committed_survives_a_kill(lines: int, path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True) as process:
        assert process.stdout is not None
        committed = 0
        for _ in range(lines):
            committed = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    with open_recording(path) as recording:
        assert not recording.complete
        assert not recording.live
        assert recording._connection is not None  # held, as each opening would read the whole log
        assert len(recording.timeline) >= committed
        assert check(recording) == []
        for event_number in range(max(len(recording.timeline) - 4, 0), len(recording.timeline)):
            number = recording.values(event_number)[0].tensor
            np.testing.assert_array_equal(recording.data(number), np.full(5000 + 5000 * (number % 2), number))
        assert not recording.refresh()


def test_size_of_counts_bytes_of_any_buffer() -> None:
    assert encode.size_of(make_tensor(0, np.zeros(10))) == 80
    tensor: Tensor = dataclasses.replace(make_tensor(0, np.zeros((2, 5))), data=np.zeros((2, 5)))
    assert encode.size_of(tensor) == 80
    assert encode.size_of(event(0)) == 0
