"""The benchmarks' table: complete, also when a benchmark fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GOOD = "def run():\n    return [('frame', '2 ms', '≤ 8 ms'), ('a much longer name', '3 ms', '')]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    shutil.copy(ROOT / "benchmarks" / "__main__.py", folder)
    (folder / "bench_good.py").write_text(GOOD)
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_one_table(project: Path) -> None:
    answer = run(project)
    assert answer.returncode == 0, answer.stderr
    assert [line.split("  ")[0] for line in answer.stdout.splitlines()[2:]][0::2] == ["what", "frame"]
    heading, _, first, second = answer.stdout.splitlines()[2:]
    assert heading.index("measured") == first.index("2 ms") == second.index("3 ms")
    assert heading.index("should be") == first.index("≤ 8 ms")


@pytest.mark.parametrize("text", ["raise ValueError('broken')", "import os; os.abort()", "run = None"])
def test_one_that_fails_is_reported_and_stops_no_other(project: Path, text: str) -> None:
    (project / "benchmarks" / "bench_bad.py").write_text(text)
    answer = run(project)
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    assert any(line.startswith("bad") and "failed" in line for line in lines)
    assert any(line.startswith("frame") for line in lines)


def test_some_can_be_chosen(project: Path) -> None:
    (project / "benchmarks" / "bench_bad.py").write_text("raise ValueError")
    assert run(project, "good").returncode == 0
    wrong = run(project, "nonsense")
    assert wrong.returncode == 2
    assert "bad, good" in wrong.stderr
