"""Videos, by ffmpeg where it is; and what is said where it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UsageError
from engine.export import video
from engine.export.video import ENCODERS, Encoder, VideoFile, find_encoder

WIDTH, HEIGHT, FPS, COUNT = 64, 48, 10, 12
ORANGE = (0xFF, 0x9A, 0x3D)


def frames() -> list[bytes]:
    """Half of the picture is orange, first the left one."""
    made = []
    for number in range(COUNT):
        pixels = np.zeros((HEIGHT, WIDTH, 4), dtype=np.uint8)
        left = slice(0, WIDTH // 2) if number < COUNT // 2 else slice(WIDTH // 2, WIDTH)
        pixels[:, left, :3] = ORANGE[::-1]
        made.append(pixels.tobytes())
    return made


def require(form: str) -> Encoder:
    try:
        return find_encoder(form)
    except UsageError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_a_video_comes_back(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"film.{form}"
    encoder = require(form)
    file = VideoFile(path, WIDTH, HEIGHT, FPS, encoder)
    for each in frames():
        file.add(each)
    file.finish()
    assert list(tmp_path.iterdir()) == [path]
    answer = subprocess.run(
        [encoder.program, "-loglevel", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    shown = np.frombuffer(answer.stdout, dtype=np.uint8).reshape(-1, HEIGHT, WIDTH, 3).astype(int)
    assert len(shown) == COUNT
    for number, x in ((0, 8), (COUNT - 1, WIDTH - 8)):
        assert np.abs(shown[number, 20, x] - ORANGE).max() < 24  # as on screen, not washed out
        assert shown[number, 20, WIDTH - x].max() < 40


def test_what_was_given_up_leaves_nothing(tmp_path: Path) -> None:
    file = VideoFile(tmp_path / "film.mp4", WIDTH, HEIGHT, FPS, require("mp4"))
    file.add(frames()[0])
    file.abort()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_without_ffmpeg_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(video, "find_program", lambda: None)
    with pytest.raises(UsageError, match=rf"no encoder for {form}.*apt install ffmpeg.*pip install imageio-ffmpeg"):
        find_encoder(form)


def test_an_ffmpeg_without_the_encoders_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "find_program", lambda: "ffmpeg")
    monkeypatch.setattr(video, "_encoders", lambda _: frozenset({"mpeg4"}))
    assert find_encoder("mp4").name == "mpeg4"
    with pytest.raises(UsageError, match="built without an encoder for webm"):
        find_encoder("webm")


def test_the_list_of_encoders_is_read(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ' V....D = Video'\necho ' V....D libx264   H.264'\necho ' A....D aac  AAC'\n")
    program.chmod(0o755)
    assert "libx264" in video._encoders(str(program))
    assert "aac" not in video._encoders(str(program))
    assert video._encoders(str(tmp_path / "none")) == frozenset()


def test_the_path_comes_before_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}")
    assert video.find_program() == "/somewhere/ffmpeg"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_what_ffmpeg_says_is_passed_on(tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nhead -c 100 > /dev/null\necho 'No space left on device' >&2\nexit 1\n")
    program.chmod(0o755)
    folder = tmp_path / "films"
    folder.mkdir()
    file = VideoFile(folder / "film.mp4", WIDTH, HEIGHT, FPS, Encoder(str(program), *ENCODERS["mp4"][0]))
    with pytest.raises(UsageError, match=r"Cannot write .*film\.mp4: ffmpeg says: No space left on device"):
        file.add(b"".join(frames() * 40))  # more than a pipe holds
    assert list(folder.iterdir()) == []


def test_a_program_that_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot write"):
        VideoFile(tmp_path / "film.mp4", WIDTH, HEIGHT, FPS, Encoder(str(tmp_path / "none"), "x", ()))
    assert list(tmp_path.iterdir()) == []
