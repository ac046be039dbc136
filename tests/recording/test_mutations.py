"""A damaged or forged file either reads or raises RecordingError: never anything else, never a hang."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RecordingError
from engine.recording.check import check
from engine.recording.model import Event, Parameter, StepStart
from engine.recording.reader import open_recording
from engine.recording.summary import summarize, table
from engine.recording.writer import Writer
from tests.recordings import make_bow, make_info, make_tensor

BATCHES = 20
MUTATIONS = 50  # of each batch: 1,000 files in all


@pytest.fixture(scope="module")
def bow(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_bow(tmp_path_factory.mktemp("bow") / "bow.chain", steps=2).read_bytes()


def read_everything(path: Path) -> None:
    """All that any view could ask for; raises RecordingError if something is wrong."""
    with open_recording(path) as recording:
        table(summarize(recording))
        timeline = recording.timeline
        for step in recording.steps:
            recording.norms(step.index)
            recording.sent_norms(step.index)
            timeline.phase_spans(step.index)
        for graph in recording.graphs:
            for node in recording.nodes(graph.id):
                recording.node(node.id)
                if node.source is not None:
                    recording.source(node.source)
            recording.edges(graph.id)
            timeline.backward_event(graph.id)
        for number in range(len(timeline)):
            recording.event(number)
            for value in recording.values(number):
                recording.tensor(value.tensor)
                recording.data(value.tensor)
        check(recording)


def refusal(path: Path) -> str | None:
    try:
        read_everything(path)
    except RecordingError as error:
        return str(error)
    return None


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Random bytes, most of them where the file holds something."""
    result = bytearray(data)
    used = [position for position in range(0, len(data), 7) if data[position]]
    for _ in range(chance.choice((1, 3, 30, 300))):
        result[chance.choice(used)] = chance.randrange(256)
    return bytes(result)


def header_flipped(data: bytes, chance: random.Random) -> bytes:
    result = bytearray(data)
    for _ in range(chance.choice((1, 2, 4))):
        result[chance.randrange(16, 120)] = chance.randrange(256)
    return bytes(result)


def shuffled_pages(data: bytes, chance: random.Random) -> bytes:
    size = 32768
    pages = [data[start : start + size] for start in range(0, len(data), size)]
    first, second = chance.sample(range(len(pages)), 2)
    pages[first] = pages[second]
    return b"".join(pages)


def noise(data: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 15, 16, 99, 100, 512, 40_000)))


def words_flipped(data: bytes, chance: random.Random) -> bytes:
    """Text that the reader interprets, with one character changed."""
    word = chance.choice((b"[]", b"float32", b"{", b"backward", b"grad_", b"parameter", b"full", b"CREATE", b'"lr"'))
    places = [match.start() for match in re.finditer(re.escape(word), data)]
    result = bytearray(data)
    for place in chance.sample(places, min(3, len(places))):
        result[place + chance.randrange(len(word))] = chance.randrange(256)
    return bytes(result)


MUTATORS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    truncated,
    flipped,
    flipped,
    header_flipped,
    shuffled_pages,
    noise,
)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_mutated_files_read_or_raise_recording_error(batch: int, bow: bytes, tmp_path: Path) -> None:
    chance = random.Random(batch)
    path = tmp_path / "mutated.chain"
    for _ in range(MUTATIONS):
        path.write_bytes(chance.choice(MUTATORS)(bow, chance))
        message = refusal(path)
        assert message is None or str(path) in message


def test_words_that_the_reader_interprets(bow: bytes, tmp_path: Path) -> None:
    chance = random.Random(0)
    refused = 0
    path = tmp_path / "mutated.chain"
    for _ in range(40):
        path.write_bytes(words_flipped(bow, chance))
        refused += refusal(path) is not None
    assert refused > 5


def forged(path: Path, *statements: str) -> Path:
    make_bow(path, steps=2)
    connection = sqlite3.connect(path)
    try:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    finally:
        connection.close()
    return path


FORGERIES = (
    "UPDATE tensor SET shape = '[1000000000, 1000000000]', data_shape = '[1000000000, 1000000000]'",
    "UPDATE tensor SET shape = '[4611686018427387904]'",
    "UPDATE tensor SET shape = '[0, 4611686018427387904]', data_shape = NULL, data = x''",
    "UPDATE tensor SET data_shape = '[1, 1]'",
    "UPDATE tensor SET shape = '[-1]'",
    "UPDATE tensor SET shape = '[1.5]'",
    "UPDATE tensor SET shape = '[true]'",
    "UPDATE tensor SET shape = '{}'",
    "UPDATE tensor SET shape = 'hello'",
    "UPDATE tensor SET shape = '[' || replace(hex(zeroblob(50000)), '0', '[')",
    f"UPDATE tensor SET shape = '[{'9' * 5000}]'",
    f"UPDATE tensor SET shape = '[{','.join('1' * 100)}]'",
    "UPDATE tensor SET dtype = 'object'",
    "UPDATE tensor SET dtype = 'float64'",
    "UPDATE tensor SET data = 'text'",
    "UPDATE tensor SET data = NULL",
    "UPDATE tensor SET data = zeroblob(100000)",
    "UPDATE tensor SET level = 'everything'",
    "UPDATE tensor SET histogram = zeroblob(511)",
    "UPDATE tensor SET histogram = CAST(replace(hex(zeroblob(256)), '0', char(255)) AS BLOB)",
    "UPDATE tensor SET zeros = -1",
    "UPDATE tensor SET norm = 'large'",
    "UPDATE event SET kind = 'sideways'",
    "UPDATE event SET step = -1",
    "UPDATE event SET step = 'x'",
    "UPDATE event SET step = 1.5",
    "UPDATE event SET step = 9 WHERE id = 3",
    "UPDATE event SET node = -5",
    "UPDATE event SET info = '[]'",
    "UPDATE event SET info = '{'",
    "UPDATE event SET info = replace(hex(zeroblob(50000)), '0', '[')",
    """UPDATE event SET info = '{"x": NaN}'""",
    """UPDATE event SET info = '{"x": {"$float": "many"}}'""",
    f"UPDATE event SET info = '{{\"x\": {'9' * 5000}}}'",
    "DELETE FROM event WHERE id = 5",
    "UPDATE node SET kind = 'other'",
    "UPDATE node SET info = x'ff'",
    "UPDATE node SET type = CAST(x'fffe' AS TEXT)",
    "UPDATE node SET source = 12",
    "UPDATE node SET line = -1",
    "UPDATE edge SET target = 12345",
    "UPDATE edge SET input_number = -1",
    "UPDATE value SET tensor = 99999",
    "UPDATE value SET role = role || '!'",
    "UPDATE graph SET loss = 'low'",
    "UPDATE graph SET kind = 'pie'",
    "UPDATE parameter SET shape = '[[1]]'",
    "UPDATE meta SET value = '{}' WHERE key = 'argv'",
    "UPDATE meta SET value = 'soon' WHERE key = 'created'",
    "UPDATE meta SET value = x'00' WHERE key = 'torch'",
    "DELETE FROM meta WHERE key = 'torch'",
    "UPDATE meta SET value = 'me' WHERE key = 'pid'",
    "DELETE FROM meta",
    "PRAGMA user_version = 7",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = -1",
    "PRAGMA application_id = 0",
    "DROP TABLE note",
    "DROP INDEX node_of_graph",
    "CREATE TABLE extra (x)",
    "CREATE VIEW extra AS SELECT * FROM event",
    "CREATE TRIGGER extra AFTER INSERT ON note BEGIN DELETE FROM note; END",
    "ALTER TABLE note ADD COLUMN extra TEXT DEFAULT (hex(randomblob(1000000)))",
)


@pytest.mark.parametrize("statement", FORGERIES, ids=range(len(FORGERIES)))
def test_forged_content_is_refused(statement: str, tmp_path: Path) -> None:
    path = forged(tmp_path / "forged.chain", statement)
    with pytest.raises(RecordingError, match=r"forged\.chain"):
        read_everything(path)


def test_an_unforged_copy_is_not_refused(tmp_path: Path) -> None:
    read_everything(forged(tmp_path / "bow.chain", "UPDATE note SET text = ''"))


@pytest.mark.parametrize("keep", [0, 31, 32, 500, 33_000, 100_000])
def test_a_damaged_log_beside_the_file(keep: int, tmp_path: Path) -> None:
    """A killed writer leaves its log; what of it is whole is read, and the rest is not."""
    source = tmp_path / "live.chain"
    with Writer(source, make_info()) as writer:
        writer.put(StepStart(0, 0.0))
        writer.put(Parameter(0, "w", "", (), "float32"))
        for number in range(10):
            writer.put(make_tensor(number, np.ones(3, np.float32)))
            writer.put(Event(number, 0, None, "forward", None, None, 0.0))
            writer.flush()
        path = tmp_path / "copy.chain"
        path.write_bytes(source.read_bytes())
        log = bytearray(Path(f"{source}-wal").read_bytes()[:keep])
        for position in range(40, len(log), 977):
            log[position] ^= 0x55
        Path(f"{path}-wal").write_bytes(log)
    message = refusal(path)
    assert message is None or "copy.chain" in message
