"""`make run`: opens the window or, where there is no display, does the main job without one.

    python -m tools.run [SCRIPT | FILE.chain | COMMAND …]

Without a display and without arguments it records one step of ResNet-18, draws its graph, and prints a summary.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.display import has_display

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "resources" / "examples" / "resnet18.py"


def without_display(folder: Path) -> int:
    """Record, draw and sum up one step of ResNet-18 into `folder`. Returns the exit code."""
    recording, picture = folder / "resnet18.chain", folder / "resnet18.png"
    print("chainrule: there is no display, so no window can open; recording one step of ResNet-18 instead.", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("resnet18.*"):
        file.unlink()
    for arguments in (
        ["record", str(EXAMPLE), "-o", str(recording), "--steps", "1"],
        ["export", str(recording), "-o", str(picture)],
    ):
        code = _program(arguments)
        if code != 0:
            print(f"chainrule: `main.py {' '.join(arguments)}` ended with code {code}", file=sys.stderr)
            return code
    from engine.recording.reader import open_recording
    from tools.headless_summary import summary

    opened = open_recording(recording)
    try:
        print(summary(opened))
    finally:
        opened.close()
    print(f"\nrecording  {_shown(recording)}\npicture    {_shown(picture)}")
    print(
        "\nTo walk through it, copy the recording to a machine with a display (it needs no torch there) and\n"
        f"open it: make run ARGS={recording.name}   or: python main.py {recording.name}"
    )
    return 0


def _program(arguments: Sequence[str]) -> int:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run([sys.executable, str(ROOT / "main.py"), *arguments], env=environment, check=False).returncode


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def main(arguments: Sequence[str]) -> int:
    """Become the program, or do its main job without a window."""
    if not arguments and not has_display(sys.platform, os.environ):
        return without_display(ROOT / "build")
    program = [sys.executable, str(ROOT / "main.py"), *arguments]
    if os.name != "nt":
        os.execv(sys.executable, program)
    return subprocess.run(program, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
