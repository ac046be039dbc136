"""Animated GIFs, read again by Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from engine.errors import UsageError
from engine.export.gif import COLORS, GifFile, Palette, palette_of

WIDTH, HEIGHT = 40, 24
GROUND, RED, BLUE = 0x14161B, 0xD02040, 0x5AA9FF


def frame(x: int, color: int = RED) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    """A square on a ground."""
    pixels = np.full((HEIGHT, WIDTH), GROUND | 0xFF000000, dtype="<u4")
    pixels[4:12, x : x + 8] = color | 0xFF000000
    return pixels


def write(path: Path, frames: list[np.ndarray[tuple[int, int], np.dtype[np.uint32]]], fps: float = 20,
          *, loop: bool = True) -> Path:  # fmt: skip
    file = GifFile(path, WIDTH, HEIGHT, fps, [each.tobytes() for each in frames], loop=loop)
    for each in frames:
        file.add(each.tobytes())
    file.finish()
    return path


def read(path: Path) -> tuple[list[np.ndarray[tuple[int, ...], np.dtype[np.uint32]]], list[int]]:
    """The frames as packed colours, and how many milliseconds each stands."""
    with Image.open(path) as image:
        shown, delays = [], []
        for each in ImageSequence.Iterator(image):
            red, green, blue = np.moveaxis(np.asarray(each.convert("RGB")).astype(np.uint32), -1, 0)
            shown.append(red << 16 | green << 8 | blue)
            delays.append(int(each.info["duration"]))
    return shown, delays


def test_every_frame_comes_back_as_it_was(tmp_path: Path) -> None:
    frames = [frame(x, color) for x, color in ((0, RED), (5, RED), (20, BLUE), (32, BLUE))]
    shown, delays = read(write(tmp_path / "film.gif", frames))
    assert len(shown) == 4
    for before, after in zip(frames, shown, strict=True):
        np.testing.assert_array_equal(after, before & 0xFFFFFF)
    assert delays == [50] * 4


def test_what_does_not_change_is_one_long_frame(tmp_path: Path) -> None:
    frames = [frame(0)] * 5 + [frame(9)] * 3
    shown, delays = read(write(tmp_path / "film.gif", frames))
    assert len(shown) == 2
    assert delays == [250, 150]


def test_delays_add_up_where_the_rate_is_no_whole_hundredth(tmp_path: Path) -> None:
    _, delays = read(write(tmp_path / "film.gif", [frame(x) for x in range(30)], fps=30))
    assert sum(delays) == 1000
    assert set(delays) == {30, 40}


@pytest.mark.parametrize("loop", [True, False])
def test_it_is_shown_again_or_not(tmp_path: Path, loop: bool) -> None:
    with Image.open(write(tmp_path / "film.gif", [frame(0), frame(1)], loop=loop)) as image:
        assert image.info.get("loop") == (0 if loop else None)


def test_many_colours_become_the_nearest(tmp_path: Path) -> None:
    """Flat colours stay exact, however many others there are."""
    many = frame(0)
    many[12:] = 0xFF000000 | np.random.default_rng(0).integers(0, 1 << 24, (12, WIDTH), dtype=np.uint32)
    shown, _ = read(write(tmp_path / "film.gif", [many]))
    np.testing.assert_array_equal(shown[0][:12], many[:12] & 0xFFFFFF)
    apart = [np.abs((shown[0] >> s & 255).astype(int) - (many >> s & 255).astype(int)).mean() for s in (0, 8, 16)]
    assert max(apart) < 24


def test_a_colour_that_no_sample_had_is_shown_as_the_nearest(tmp_path: Path) -> None:
    file = GifFile(tmp_path / "film.gif", WIDTH, HEIGHT, 10, [frame(0).tobytes()])
    file.add(frame(0, 0xD02242).tobytes())
    file.finish()
    assert read(tmp_path / "film.gif")[0][0][5, 5] == RED


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 0xFFFFFF), min_size=1, max_size=40, unique=True))
def test_a_palette_has_all_colours_of_a_few(colors: list[int]) -> None:
    pixels = np.array([colors], dtype=np.uint32)
    palette = Palette(palette_of([pixels]))
    chosen = palette.colors[palette.indices(pixels)[0]].astype(int)
    exact = np.stack([pixels[0] >> 16 & 255, pixels[0] >> 8 & 255, pixels[0] & 255], axis=-1).astype(int)
    assert np.abs(chosen - exact).max() <= 1  # colours that differ in a lowest bit are the same
    assert len(palette.colors) <= COLORS


def test_nothing_is_left_of_what_was_given_up(tmp_path: Path) -> None:
    file = GifFile(tmp_path / "film.gif", WIDTH, HEIGHT, 10, [frame(0).tobytes()])
    file.add(frame(0).tobytes())
    file.abort()
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot write"):
        GifFile(tmp_path / "none" / "film.gif", WIDTH, HEIGHT, 10, [frame(0).tobytes()])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    file = GifFile(tmp_path / "film.gif", WIDTH, HEIGHT, 10, [frame(0).tobytes()])
    assert file._file is not None
    file._file.close()
    file._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - closed by abort
    file.add(frame(0).tobytes())
    with pytest.raises(UsageError, match="No space left"):
        file.finish()
    assert list(tmp_path.iterdir()) == []
