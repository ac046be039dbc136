"""The program as a person starts it: a real window on a virtual screen, driven by keys, looked at from outside."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_window import xvfb
from tests.recordings import make_bow

MISSING = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.real_window,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a virtual screen needs X11"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make test installs it)"),
]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[xvfb.Screen]:
    with xvfb.screen(tmp_path) as running:
        yield running


def test_a_recording_is_walked_in_both_directions(screen: xvfb.Screen, tmp_path: Path) -> None:
    recording = make_bow(tmp_path / "bow.chain")
    with xvfb.program(screen, str(recording)) as chainrule:
        xvfb.wait_until(lambda: "bow" in chainrule.title, "the title to name the recording")
        for key in ("End", "Home", *["Right"] * 4, "Home"):  # all that is to be seen is proved, however slow that is
            chainrule.press(key)
            screen.still(xvfb.SETTLED)
        seen = [screen.still()]
        for _ in range(4):
            chainrule.press("Right")
            seen.append(screen.changed_from(seen[-1]))
        for before in reversed(seen[:-1]):
            chainrule.press("Left")
            screen.wait_for(before)
        for there, back in [("End", "Home"), ("ctrl+Right", "ctrl+Left"), ("shift+Right", "shift+Left")]:
            chainrule.press(there)
            screen.changed_from(seen[0])
            chainrule.press(back)
            screen.wait_for(seen[0])
        chainrule.quit()


def test_a_script_is_run_and_walked(screen: xvfb.Screen) -> None:
    with xvfb.program(screen, str(xvfb.ROOT / "resources" / "examples" / "bow.py")) as chainrule:
        opened = screen.still()
        chainrule.press("F5")
        recorded = screen.changed_from(opened)
        chainrule.press("End")
        end = screen.changed_from(recorded)
        chainrule.press("Home")
        screen.changed_from(end)
        start = screen.still(xvfb.SETTLED)
        chainrule.press("Right")
        screen.changed_from(start)
        chainrule.press("Left")
        screen.wait_for(start)
        chainrule.quit()
