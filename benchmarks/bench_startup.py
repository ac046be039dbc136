"""How long the window lets one wait: from the start of the process to its first picture."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMES = 5
BAR_S = 1.0

# The time of the process's start is taken by its parent: the interpreter's own start counts too.
PROGRAM = """
import sys, time
from gui.app import create_window
from PySide6.QtWidgets import QApplication

window = create_window()
paint = type(window).paintEvent
def painted(self, event):
    paint(self, event)
    print(time.time() - float(sys.argv[1]), "torch" in sys.modules, flush=True)
    QApplication.quit()
type(window).paintEvent = painted
window.show()
QApplication.exec()
window.close()
"""


def run() -> list[tuple[str, str, str]]:
    """(what, measured, bar) for each figure."""
    import time

    times, torch_imported = [], False
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
        if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
            environment["QT_QPA_PLATFORM"] = "offscreen"
        for _ in range(TIMES + 1):
            command = [sys.executable, "-c", PROGRAM, repr(time.time())]
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
            )
            seconds, imported = done.stdout.split()
            times.append(float(seconds))
            torch_imported = torch_imported or imported == "True"
    warm = times[1:]
    return [
        ("process start to painted window, median", f"{statistics.median(warm):.2f} s", f"≤ {BAR_S:.1f} s"),
        ("process start to painted window, slowest", f"{max(warm):.2f} s", ""),
        ("torch imported by the window", "yes" if torch_imported else "no", "no"),
    ]


if __name__ == "__main__":
    for what, measured, bar in run():
        print(f"{what:48} {measured:>10} {bar:>10}")
