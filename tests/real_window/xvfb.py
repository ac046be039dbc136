"""A virtual screen to show the real program on, with hands (xdotool) and eyes (the screen's memory)."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[2]
SIZE = (1280, 800)
PATIENCE = 240.0  # seconds; far more than anything takes, so that no slow machine fails a test
POLL = 0.1
STILL = 6  # so many pictures in a row are the same when nothing moves any more
SETTLED = 20  # and so many when the first numbers were proved, for which much is imported
NOTICEABLE = 2e-4  # share of the screen; a blinking cursor is less

Picture = npt.NDArray[np.uint32]
COLOUR = np.uint32(0xFFFFFF)


@dataclass(frozen=True)
class Screen:
    """A running Xvfb: its display (":7"), and the file in which it keeps what it shows."""

    display: str
    memory: Path
    programs: list[int] = field(default_factory=list)  # process ids of what was started on it

    def picture(self) -> Picture:
        """What is on the screen now, one number for each pixel (rows, columns)."""
        data = self.memory.read_bytes()
        header = struct.unpack(">25I", data[:100])  # the X Window Dump format, XWDFile.h
        start = header[0] + 12 * header[19]  # its own size, and the colour map's
        pixels: Picture = np.frombuffer(data, np.uint32, offset=start, count=SIZE[0] * SIZE[1])
        return (pixels & COLOUR).reshape(SIZE[1], SIZE[0])

    def still(self, shots_alike: int = STILL) -> Picture:
        """What is on the screen once nothing moves any more: so many pictures in a row are the same, and the program is
        not at work on the next one, which on a busy machine may take any time."""
        shots = [self.picture()]

        def stands() -> bool:
            if any(map(at_work, self.programs)):
                shots.clear()
            shots.append(self.picture())
            return len(shots) > shots_alike and not any(
                differ(shots[-1], shot) for shot in shots[-1 - shots_alike : -1]
            )

        wait_until(stands, "the screen to stand still")
        return shots[-1]

    def changed_from(self, before: Picture) -> Picture:
        """The next still picture that looks different."""
        wait_until(lambda: differ(self.still(), before), "the screen to change")
        return self.still()

    def wait_for(self, expected: Picture) -> None:
        """Return when the screen looks as expected; fail if it never does."""
        wait_until(lambda: not differ(self.still(), expected), "the screen to look as before")

    def xdotool(self, *arguments: str) -> str:
        """Run xdotool on this screen; "" where it found nothing."""
        environment = {**os.environ, "DISPLAY": self.display}
        return subprocess.run(
            ["xdotool", *arguments], env=environment, capture_output=True, text=True, check=False
        ).stdout.strip()


@dataclass(frozen=True)
class Program:
    """chainrule, running on a screen."""

    process: subprocess.Popen[bytes]
    screen: Screen
    window: str

    @property
    def title(self) -> str:
        return self.screen.xdotool("getwindowname", self.window)

    def press(self, *keys: str) -> None:
        """Type keys, named as X names them: "Right", "ctrl+Left", "F5"."""
        for key in keys:
            self.screen.xdotool("key", "--clearmodifiers", key)

    def quit(self) -> None:
        """Leave as a person would, and see that the program goes without a complaint."""
        self.press("ctrl+q")
        assert self.process.wait(PATIENCE) == 0


@contextmanager
def screen(folder: Path) -> Iterator[Screen]:
    """A screen of its own, on a free display number."""
    reading, writing = os.pipe()
    try:
        # Without -noreset it starts anew when its last client leaves, and whoever comes meanwhile is turned away.
        command = ["Xvfb", "-displayfd", str(writing), "-fbdir", str(folder), "-nolisten", "tcp", "-noreset"]
        server = subprocess.Popen(
            [*command, "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"], pass_fds=[writing], stderr=subprocess.DEVNULL
        )
    finally:
        os.close(writing)
    with os.fdopen(reading) as answer:
        display = f":{answer.readline().strip()}"
    try:
        assert display != ":", "Xvfb did not start"
        yield Screen(display, folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait()


@contextmanager
def program(on: Screen, *arguments: str) -> Iterator[Program]:
    """chainrule with its window shown and the keyboard given to it."""
    environment = {**os.environ, "DISPLAY": on.display, "QT_QPA_PLATFORM": "xcb"}
    environment.pop("WAYLAND_DISPLAY", None)
    on.xdotool("mousemove", *map(str, SIZE))  # out of the way: it would hover over something
    empty = on.picture()
    process = subprocess.Popen([sys.executable, str(ROOT / "main.py"), *arguments], cwd=ROOT, env=environment)
    on.programs.append(process.pid)
    try:
        window = _window_of(process, on)
        on.xdotool("windowsize", "--sync", window, *map(str, SIZE))
        on.xdotool("windowmove", window, "0", "0")
        on.xdotool("windowfocus", "--sync", window)
        on.changed_from(empty)
        yield Program(process, on, window)
    finally:
        on.programs.remove(process.pid)
        process.terminate()
        process.wait()


def at_work(process: int) -> bool:
    """Whether it, or a process that it started, computes, waits for its turn to, or for a disk."""
    folder = Path(f"/proc/{process}/task")
    with suppress(OSError):  # ended meanwhile
        for thread in folder.iterdir():
            if (thread / "stat").read_text().rpartition(")")[2].split()[0] in "RD":
                return True
            if any(map(at_work, map(int, (thread / "children").read_text().split()))):
                return True
    return False


def _window_of(process: subprocess.Popen[bytes], on: Screen) -> str:
    found: list[str] = []

    def shown() -> bool:
        assert process.poll() is None, f"chainrule ended with code {process.returncode}"
        found[:] = on.xdotool("search", "--onlyvisible", "--pid", str(process.pid), "--name", "chainrule").split()
        return bool(found)

    wait_until(shown, "the window")
    return found[0]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as the condition holds; fail if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(POLL)


def differ(one: Picture, other: Picture) -> bool:
    """Whether a person would see a difference."""
    return float(np.mean(one != other)) > NOTICEABLE
