"""From "Run" to the first picture of the graph, in the real window, with the real host.

"warm" is what a user meets who looked at the script for a moment first: a host has imported torch by then. "cold" is
the worst case: Run is pressed when nothing has been imported yet. A bare `import torch`, which nobody can do without,
is printed beside it. When the first picture stands, the canvas may get another shape and lay out the same graph anew
while it shows it: what counts is that there is a picture, not that it is the last.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BARS = {"bow": 4.0, "resnet18": 6.0}
ROUNDS = 3
PATIENCE_S = 12.0  # how long the user looks at the script
CODE = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication
from gui.app import create_window

script, patience = Path(sys.argv[1]), float(sys.argv[2])
window = create_window()
window.keeps_host_ready = patience > 0
window.show()
window.open_script(script)
loop = QEventLoop()
QTimer.singleShot(int(1000 * max(patience, 1.0)), loop.quit)
loop.exec()
window.canvas.ready.connect(loop.quit)
QTimer.singleShot(60_000, loop.quit)
start = time.perf_counter()
window.actions_table["run"].trigger()
loop.exec()
window.canvas.repaint()
seconds = time.perf_counter() - start
assert window.canvas.picture() is not None
window.runs.shut_down()
window.close()
print(seconds)
"""


def run() -> list[tuple[str, str, str]]:
    """(what, measured, bar) for both examples, warm and cold: medians of three windows each; first the floor."""
    imports = [_import_torch() for _ in range(ROUNDS)]
    rows = [("import torch alone, the floor of a cold run", f"{statistics.median(imports):.2f} s", "")]
    for name, bar in BARS.items():
        for label, patience in (("warm", PATIENCE_S), ("cold", 0.0)):
            seconds = [_measure(name, patience) for _ in range(ROUNDS)]
            figure = f"{statistics.median(seconds):.2f} s (slowest {max(seconds):.2f} s)"
            rows.append((f"Run to first picture, {name}, {label}", figure, f"≤ {bar:g} s"))
    return rows


def _import_torch() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], cwd=ROOT, check=True)
    return time.perf_counter() - start


def _measure(name: str, patience: float) -> float:
    script = ROOT / "resources" / "examples" / f"{name}.py"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", CODE, str(script), str(patience)]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(answer.stdout.split()[-1])
