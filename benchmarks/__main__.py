"""Runs the benchmarks and prints one table.

    python -m benchmarks [NAME …]

Each `bench_NAME.py` beside this has `run() -> list[(what, measured, bar)]`, three texts a row: what was measured,
the figure with its unit, what it should be ("≤ 8 ms", or "" where nothing is demanded). Each runs in a process of its
own, so that none warms up another and one that fails, or that crashes, does not take the others with it.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FOLDER = Path(__file__).parent
Row = tuple[str, str, str]
HEADINGS: Row = ("what", "measured", "should be")


def names() -> list[str]:
    """All benchmarks there are, without the `bench_`."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def measure(name: str) -> list[Row]:
    """Run one benchmark in a process of its own; a row that says so where it fails."""
    print(f"{name} …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "benchmarks", "--alone", name, str(answer)]
        code = subprocess.run(command, cwd=FOLDER.parent, check=False).returncode
        if code == 0:
            return [(str(what), str(measured), str(bar)) for what, measured, bar in json.loads(answer.read_text())]
    return [(name, f"failed (code {code}, see above)", "")]


def table(sections: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Rows in columns, one block for each benchmark."""
    rows = [HEADINGS, *(row for _, section in sections for row in section)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]

    def line(row: Row) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

    lines = [line(HEADINGS)]
    for name, section in sections:
        lines += [f"── {name} ".ljust(sum(widths) + 4, "─"), *map(line, section)]
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on."""
    facts = [
        f"{platform.system()} {platform.machine()}",
        f"{os.cpu_count()} cores",
        f"Python {platform.python_version()}",
    ]
    for package in ("torch", "PySide6-Essentials", "torchlens"):
        try:
            facts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            facts.append(f"no {package}")
    return ", ".join(facts)


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks, or all; 1 if one failed, 2 for a name that does not exist."""
    if arguments[:1] == ["--alone"]:
        _, name, answer = arguments
        rows = import_module(f"benchmarks.bench_{name}").run()
        Path(answer).write_text(json.dumps(rows))
        return 0
    wanted = [name.removeprefix("bench_") for name in arguments] or names()
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    sections = [(name, measure(name)) for name in wanted]
    print(f"{machine()}\n\n{table(sections)}")
    return int(any(measured.startswith("failed") for _, rows in sections for _, measured, _ in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
