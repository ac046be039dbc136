"""From opening a recording of Swin-V2-B (2,500 nodes) to the picture of its graph, in the real window.

"First" includes importing networkx, which the window puts off until a graph is laid out.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODEL = "swin_v2_b"
ROUNDS = 3
CODE = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QEventLoop, QTimer
from gui.app import create_window
from gui.collecting import Collecting

window = create_window()
window.keeps_host_ready = False
Collecting(window).start()
window.resize(1600, 1000)
window.show()
loop = QEventLoop()
window.canvas.ready.connect(loop.quit)

def wait(milliseconds):
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()

def picture(path):
    start, work = time.perf_counter(), time.process_time()
    window.session.open(path)
    while not window.canvas.is_ready():
        loop.exec()
    window.canvas.repaint()
    print(time.perf_counter() - start, time.process_time() - work)
    window.session.close()

wait(1000)
picture(Path(sys.argv[1]))
wait(500)
picture(Path(sys.argv[2]))
window.runs.shut_down()
window.close()
"""


def run() -> list[tuple[str, str, str]]:
    """Medians of three windows."""
    with tempfile.TemporaryDirectory() as folder:
        make = [sys.executable, "-m", "benchmarks.torchvision_graphs", folder, MODEL, "resnet18"]
        subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
        large, small = (str(Path(folder) / f"{name}.chain") for name in (MODEL, "resnet18"))
        first = [_measure(large, small)[0] for _ in range(ROUNDS)]
        later = [_measure(small, large)[1] for _ in range(ROUNDS)]
    return [
        (f"opening {MODEL} to its picture", _figure(later), "≤ 0.5 s"),
        ("  the same as the first graph that the window shows", _figure(first), ""),
    ]


def _figure(times: list[tuple[float, float]]) -> str:
    seconds, work = (statistics.median(each) for each in zip(*times, strict=True))
    return f"{seconds:.2f} s ({work:.2f} s of work)"


def _measure(*paths: str) -> list[tuple[float, float]]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", CODE, *paths]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    lines = [line.split() for line in answer.stdout.splitlines()]
    return [(float(seconds), float(work)) for seconds, work in lines]
