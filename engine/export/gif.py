"""Animated GIFs, written frame by frame: memory does not grow with their length.

One palette of 255 colours for the whole film, made of a few of its frames; of each frame only the rectangle that has
changed is written, and in it only what differs. Pillow compresses; the file around it is written here, since Pillow
keeps all frames until the last one is there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from engine.export.files import cannot_write, part_of

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint32]

COLORS = 255
CLEAR = 255  # the palette's last place: as it was before
EXACT = 96  # so many of the most frequent colours are kept as they are; the others are made of groups
CHUNK = 256  # colours that are looked up at a time: other threads want to go on as well
KEY_BITS = 21  # seven of each channel
KEPT = 1  # a frame stays for the next one to be drawn over
LONGEST_DELAY = 65_535  # hundredths of a second
_WEIGHTS = np.array([2, 4, 3], dtype=np.int64)  # of red, green and blue, for the eye


class GifFile:
    """A film in the making. `samples` are frames of it (`add` says how) of which its palette is made.

    What is written is there once `finish` has been called. Raises UsageError if it cannot be written.
    """

    def __init__(
        self, path: Path, width: int, height: int, fps: float, samples: Sequence[bytes], *, loop: bool = True
    ) -> None:
        self.path, self._width, self._height, self._fps = path, width, height, fps
        self._palette = Palette(palette_of([self._pixels(sample) for sample in samples]))
        self._frames = 0
        self._last: Pixels | None = None
        self._waiting: tuple[int, int, int, Bytes] | None = None  # frame, left, top, indices
        self._file: BinaryIO | None = None
        try:
            self._file = part_of(path).open("wb")
            self._file.write(self._header(loop))
        except OSError as error:
            self.abort()
            raise cannot_write(path, error) from error

    def add(self, frame: bytes) -> None:
        """The next frame: `height` rows of `width` pixels of four bytes, blue, green, red and one that is not read."""
        pixels = self._pixels(frame)
        found = _changed(self._last, pixels)
        if found is not None:
            top, bottom, left, right = found
            indices = self._palette.indices(pixels[top:bottom, left:right])
            if self._last is not None:
                indices[self._last[top:bottom, left:right] == pixels[top:bottom, left:right]] = CLEAR
            self._write_waiting()
            self._waiting = (self._frames, left, top, indices)
            self._last = pixels
        self._frames += 1

    def finish(self) -> None:
        """Write the end, and give the file its name."""
        self._write_waiting()
        assert self._file is not None
        try:
            self._file.write(b";")
            self._file.close()
            part_of(self.path).replace(self.path)
        except OSError as error:
            self.abort()
            raise cannot_write(self.path, error) from error

    def abort(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
            part_of(self.path).unlink(missing_ok=True)

    def _pixels(self, frame: bytes) -> Pixels:
        return np.frombuffer(frame, dtype="<u4").reshape(self._height, self._width) & np.uint32(0xFFFFFF)

    def _header(self, loop: bool) -> bytes:
        size = struct.pack("<HHBBB", self._width, self._height, 0xF7, 0, 0)  # a palette of 256 colours
        colors = self._palette.colors.tobytes().ljust(3 * 256, b"\0")
        again = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" if loop else b""
        return b"GIF89a" + size + colors + again

    def _write_waiting(self) -> None:
        """How long a frame stays is known when the next one comes."""
        if self._waiting is None:
            return
        number, left, top, indices = self._waiting
        self._waiting = None
        delay = min(round(self._frames * 100 / self._fps) - round(number * 100 / self._fps), LONGEST_DELAY)
        height, width = indices.shape
        control = b"!\xf9\x04" + struct.pack("<BHBB", KEPT << 2 | 1, delay, CLEAR, 0)
        place = b"," + struct.pack("<HHHHB", left, top, width, height, 0)
        assert self._file is not None
        try:
            self._file.write(control + place + b"\x08" + compressed(indices) + b"\0")
        except OSError as error:
            self.abort()
            raise cannot_write(self.path, error) from error


class Palette:
    """`colors` (n, 3), and the nearest of them to any colour. Colours that differ in a lowest bit only are the same."""

    def __init__(self, colors: Bytes) -> None:
        self.colors = colors
        self._nearest = np.full(1 << KEY_BITS, -1, dtype=np.int16)
        self._nearest[_key(_packed(colors))[::-1]] = np.arange(len(colors))[::-1]

    def indices(self, pixels: Pixels) -> Bytes:
        keys = _key(pixels)
        found = self._nearest[keys]
        unknown = found < 0
        if unknown.any():
            new, first = np.unique(keys[unknown], return_index=True)
            self._nearest[new] = self._search(_channels(pixels[unknown][first]))
            found = self._nearest[keys]
        return found.astype(np.uint8)

    def _search(self, colors: Ints) -> Ints:
        nearest = np.zeros(len(colors), dtype=np.int64)
        for start in range(0, len(colors), CHUNK):
            apart = colors[start : start + CHUNK, None, :] - self.colors[None].astype(np.int64)
            nearest[start : start + CHUNK] = (apart * apart * _WEIGHTS).sum(axis=2).argmin(axis=1)
        return nearest


def palette_of(samples: Sequence[Pixels]) -> Bytes:
    """(n ≤ COLORS, 3): the most frequent colours as they are, then the means of groups of the others.

    A colour counts by the logarithm of how often it occurs: the small marks are what a film is looked at for.
    """
    from PIL import Image

    counts, color = np.zeros(1 << KEY_BITS, dtype=np.int64), np.zeros(1 << KEY_BITS, dtype=np.uint32)
    for sample in samples:
        keys = _key(sample.ravel())
        counts += np.bincount(keys, minlength=len(counts))
        color[keys] = sample.ravel()
    there = np.flatnonzero(counts)
    order = there[np.argsort(-counts[there], kind="stable")]
    found, counts = color[order], counts[order]
    exact = _channels(found[: COLORS if len(found) <= COLORS else EXACT]).astype(np.uint8)
    if len(found) <= COLORS:
        return exact
    others = np.repeat(found[EXACT:], 1 + np.log2(counts[EXACT:]).astype(np.int64))
    strip = Image.fromarray(_channels(others).astype(np.uint8)[None], "RGB")
    groups = strip.quantize(COLORS - EXACT, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).getpalette() or []
    return np.concatenate([exact, np.array(groups[: 3 * (COLORS - EXACT)], dtype=np.uint8).reshape(-1, 3)])


def compressed(indices: Bytes) -> bytes:
    """LZW, in GIF's blocks of up to 255 bytes."""
    from PIL import Image

    height, width = indices.shape
    image = Image.frombuffer("P", (width, height), np.ascontiguousarray(indices).tobytes(), "raw", "P", 0, 1)
    return image.tobytes("gif", "P", 8, 0)


def _changed(before: Pixels | None, after: Pixels) -> tuple[int, int, int, int] | None:
    """The rectangle in which they differ: top, bottom, left, right; None if they are equal."""
    if before is None:
        return 0, after.shape[0], 0, after.shape[1]
    other = before != after
    rows = np.flatnonzero(other.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(other.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _channels(pixels: Pixels) -> Ints:
    """Red, green, blue."""
    return np.stack([pixels >> 16 & 0xFF, pixels >> 8 & 0xFF, pixels & 0xFF], axis=-1).astype(np.int64)


def _packed(colors: Bytes) -> Pixels:
    red, green, blue = colors.astype(np.uint32).T
    packed: Pixels = red << 16 | green << 8 | blue
    return packed


def _key(pixels: Pixels) -> Pixels:
    """Seven bits of each channel as one number."""
    return ((pixels >> 17 & 0x7F) << 14 | (pixels >> 9 & 0x7F) << 7 | (pixels >> 1 & 0x7F)).astype(np.uint32)
