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
        seen = [screen.still()]
        for _ in range(4):
            chainrule.press("Right")
            seen.append(screen.still())
        assert xvfb.all_differ(seen)
        for before in reversed(seen[:-1]):
            chainrule.press("Left")
            assert not xvfb.differ(screen.still(), before)
        chainrule.press("End")
        assert xvfb.differ(screen.still(), seen[0])
        chainrule.press("Home")
        assert not xvfb.differ(screen.still(), seen[0])
        chainrule.press("ctrl+Right")
        assert xvfb.differ(screen.still(), seen[0])
        chainrule.press("ctrl+q")
        assert chainrule.process.wait(xvfb.PATIENCE) == 0


def test_a_script_is_run_and_walked(screen: xvfb.Screen) -> None:
    with xvfb.program(screen, str(xvfb.ROOT / "resources" / "examples" / "bow.py")) as chainrule:
        before = screen.still()
        chainrule.press("F5")
        xvfb.wait_until(lambda: xvfb.differ(screen.still(), before), "the recording to appear")
        chainrule.press("Home")
        start = screen.still()
        chainrule.press("End")
        assert xvfb.differ(screen.still(), start)
        chainrule.press("Home")
        assert not xvfb.differ(screen.still(), start)
        chainrule.press("ctrl+q")
        assert chainrule.process.wait(xvfb.PATIENCE) == 0
