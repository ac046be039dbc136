from __future__ import annotations

import os
import threading
from io import FileIO
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest

from engine.recording import beside
from engine.recording.beside import Beside, Placed

IDENTITY = bytes(range(16))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.chain"


@pytest.fixture
def three(path: Path) -> list[Placed]:
    """Tensors of 5, 0 and 100,000 bytes."""
    out = Beside(path, IDENTITY)
    placed = [out.append(bytes(range(5))), out.append(b""), out.append(np.arange(12_500.0).reshape(125, 100))]
    out.close()
    return placed


def test_what_was_written_is_read(path: Path, three: list[Placed]) -> None:
    assert beside.read(path, IDENTITY, three[0].place) == bytes(range(5))
    assert beside.read(path, IDENTITY, three[1].place) == b""
    assert beside.read(path, IDENTITY, three[2].place) == np.arange(12_500.0).tobytes()
    assert [beside.size_at(path, IDENTITY, place) for place, _ in three] == [5, 0, 100_000]
    assert [size for _, size in three] == [5, 0, 100_000]


def test_without_a_large_tensor_there_is_no_file(path: Path) -> None:
    Beside(path, IDENTITY).close()
    assert not beside.name_of(path).exists()


def test_in_pieces(path: Path, three: list[Placed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_PIECE", 30_000)
    pieces = [bytes(piece) for piece in beside.pieces(path, IDENTITY, three[2].place)]
    assert [*map(len, pieces)] == [30_000, 30_000, 30_000, 10_000]
    assert b"".join(pieces) == np.arange(12_500.0).tobytes()


def test_what_nobody_refers_to_makes_room_for_the_next_of_its_size(path: Path) -> None:
    out = Beside(path, IDENTITY)
    first, second = out.append(b"a" * 10), out.append(b"b" * 10)
    out.free(first)
    assert out.append(b"c" * 11).place > second.place
    size = out.size
    assert out.append(b"d" * 10) == first
    assert out.size == size
    assert out.append(b"e" * 10).place == size
    out.close()
    assert beside.read(path, IDENTITY, first.place) == b"d" * 10
    assert beside.read(path, IDENTITY, second.place) == b"b" * 10


def test_several_threads_write(path: Path) -> None:
    out = Beside(path, IDENTITY)
    placed: dict[int, list[Placed]] = {number: [] for number in range(4)}

    def write(number: int) -> None:
        for length in range(200):
            placed[number].append(out.append(bytes([number]) * length * 7))

    threads = [threading.Thread(target=write, args=(number,)) for number in placed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.close()
    for number, mine in placed.items():
        for length, (place, size) in enumerate(mine):
            assert size == length * 7
            assert beside.read(path, IDENTITY, place) == bytes([number]) * size


@pytest.mark.parametrize("place", [-(2**63), -1, 0, 31, 32 + 5 + 8 + 8 + 8 + 100_000, 2**40, 2**63 - 1])
def test_places_that_are_not_in_it(place: int, path: Path, three: list[Placed]) -> None:
    with pytest.raises(ValueError, match=r"run\.chain-data ends too early"):
        beside.read(path, IDENTITY, place)


@pytest.mark.parametrize("size", [100_001, 2**62, 2**64 - 1])
def test_a_forged_size(size: int, path: Path, three: list[Placed]) -> None:
    with beside.name_of(path).open("r+b") as file:
        file.seek(three[2].place)
        file.write(pack("<Q", size))
    for ask in (beside.read, beside.size_at):
        with pytest.raises(ValueError, match="ends too early"):
            ask(path, IDENTITY, three[2].place)


@pytest.mark.parametrize("length", [0, 10, 16, 31, 32, 39, 40, 44])
def test_a_file_that_was_cut_off(length: int, path: Path, three: list[Placed]) -> None:
    os.truncate(beside.name_of(path), length)
    with pytest.raises(ValueError, match=r"run\.chain-data (ends too early|belongs to another)"):
        beside.read(path, IDENTITY, three[0].place)


def test_one_that_is_missing_is_named(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"run\.chain-data is missing.*Put the two files together"):
        beside.read(path, IDENTITY, 32)


@pytest.mark.parametrize("identity", [bytes(16), b""])
def test_that_of_another_recording_is_not_read(identity: bytes, path: Path, three: list[Placed]) -> None:
    with pytest.raises(ValueError, match="belongs to another recording"):
        beside.read(path, identity, three[0].place)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in the file system")
def test_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(beside.name_of(path))
    with pytest.raises(ValueError, match="is no file"):
        beside.read(path, IDENTITY, 32)
    assert beside.is_foreign(path)


def test_only_what_is_a_recording_s_is_removed(path: Path, three: list[Placed]) -> None:
    assert not beside.is_foreign(path)
    beside.remove(path)
    assert not beside.name_of(path).exists()
    beside.remove(path)
    beside.name_of(path).write_text("mine")
    assert beside.is_foreign(path)
    beside.remove(path)
    assert beside.name_of(path).read_text() == "mine"


@pytest.mark.parametrize("head", [b"", b"chainrule-d"])
def test_one_that_was_hardly_begun_is_a_recording_s(head: bytes, path: Path) -> None:
    """As of a process that was killed there, or had no room."""
    beside.name_of(path).write_bytes(head)
    assert not beside.is_foreign(path)
    beside.remove(path)
    assert not beside.name_of(path).exists()


def test_without_a_head_there_is_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(FileIO):
        def write(self, data: Any) -> int:
            raise OSError("no space left")

    out = Beside(path, IDENTITY)
    with monkeypatch.context() as full:
        full.setattr(beside, "FileIO", Full)
        with pytest.raises(OSError, match="no space left"):
            out.append(b"a" * 10)
    assert not beside.name_of(path).exists()
    placed = out.append(b"b" * 10)
    out.close()
    assert beside.read(path, IDENTITY, placed.place) == b"b" * 10
