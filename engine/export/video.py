"""MP4 and WebM, by the program ffmpeg: frames go to it through a pipe, one at a time.

ffmpeg is not a part of chainrule. It is looked for on the PATH, then as the package imageio-ffmpeg; which encoders it
was built with, it says itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.errors import UsageError
from engine.export.files import cannot_write, part_of

ADVICE = (
    "It takes the program ffmpeg: `apt install ffmpeg` (Debian, Ubuntu), `brew install ffmpeg` (macOS), "
    "`winget install ffmpeg` (Windows), or `pip install imageio-ffmpeg`."
)
# By format: encoders in the order of preference, with their options.
ENCODERS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "mp4": (
        ("libx264", ("-preset", "veryfast", "-crf", "18", "-tune", "animation")),
        ("libopenh264", ("-b:v", "6M")),
        ("h264_videotoolbox", ("-b:v", "6M")),
        ("h264_mf", ("-b:v", "6M")),
        ("mpeg4", ("-q:v", "3")),
    ),
    "webm": (
        ("libvpx-vp9", ("-b:v", "0", "-crf", "28", "-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1")),
        ("libvpx", ("-b:v", "4M", "-crf", "10")),
        ("libsvtav1", ("-crf", "30", "-preset", "8")),
    ),
}
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
LARGEST_SIDE = 8192
PATIENCE = 60.0  # seconds for the last frames
TAIL = 600  # characters of its complaint that are passed on
_NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows


@dataclass(frozen=True)
class Encoder:
    """The program, the encoder in it, and that one's options."""

    program: str
    name: str
    options: tuple[str, ...]


def find_encoder(form: str) -> Encoder:
    """For "mp4" or "webm". Raises UsageError that says what is missing and how to get it."""
    program = find_program()
    if program is None:
        raise UsageError(f"There is no encoder for {form}. {ADVICE}")
    there = _encoders(program)
    for name, options in ENCODERS[form]:
        if name in there:
            return Encoder(program, name, options)
    names = ", ".join(name for name, _ in ENCODERS[form])
    raise UsageError(f"{program} was built without an encoder for {form} ({names}). {ADVICE}")


def find_program() -> str | None:
    """ffmpeg on the PATH, or the one that imageio-ffmpeg brings."""
    program = shutil.which("ffmpeg")
    if program is None and importlib.util.find_spec("imageio_ffmpeg") is not None:
        with suppress(RuntimeError):  # that package without its program
            program = str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    return program


@lru_cache(maxsize=4)
def _encoders(program: str) -> frozenset[str]:
    """What `ffmpeg -encoders` lists; none if it does not start."""
    try:
        answer = subprocess.run(
            [program, "-hide_banner", "-encoders"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
            creationflags=_NO_CONSOLE,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    rows = (line.split() for line in answer.stdout.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1 and row[0].startswith("V"))


class VideoFile:
    """A film in the making; `width` and `height` have to be even. Raises UsageError if it cannot be written."""

    def __init__(self, path: Path, width: int, height: int, fps: float, encoder: Encoder) -> None:
        self.path = path
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe could fill up; closed in `_close`
        self._process: subprocess.Popen[bytes] | None = None
        try:
            part_of(path).touch()
            self._process = subprocess.Popen(
                command(encoder, part_of(path), width, height, fps),
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._complaints, creationflags=_NO_CONSOLE,
            )  # fmt: skip
        except OSError as error:
            self.abort()
            raise cannot_write(path, error) from error

    def add(self, frame: bytes) -> None:
        """The next frame: `height` rows of `width` pixels of four bytes, blue, green, red and one that is not read."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frame)
        except OSError as error:
            raise self._failure() from error

    def finish(self) -> None:
        """Wait for the last frames, and give the file its name."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            if self._process.wait(PATIENCE) != 0:
                raise self._failure()
            part_of(self.path).replace(self.path)
        except subprocess.TimeoutExpired as error:
            raise self._failure() from error
        except OSError as error:
            raise self._failure() from error
        self._close()

    def abort(self) -> None:
        """End the program and leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self._close()
        with suppress(OSError):
            part_of(self.path).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._process is not None:
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
            self._process.wait()
        self._complaints.close()

    def _failure(self) -> UsageError:
        """What ffmpeg said, in its last words."""
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._complaints.seek(0)
        said = self._complaints.read()[-TAIL:].decode("utf-8", "replace").strip()
        self.abort()
        return UsageError(f"Cannot write {self.path}: ffmpeg says: {said or 'nothing, and has ended'}")


def command(encoder: Encoder, path: Path, width: int, height: int, fps: float) -> list[str]:
    """Colours as on screen: BT.709, which players take for granted in films of this size."""
    return [
        encoder.program, "-hide_banner", "-loglevel", "error", "-y",
        "-f", "rawvideo", "-pixel_format", "bgr0", "-video_size", f"{width}x{height}", "-framerate", f"{fps:g}",
        "-i", "pipe:0", "-an", "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p",
        "-c:v", encoder.name, *encoder.options, *BT709,
        *(("-movflags", "+faststart") if path.suffix == ".mp4" else ()), str(path),
    ]  # fmt: skip
