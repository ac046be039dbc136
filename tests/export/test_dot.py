"""Graphviz's language."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.export import dot
from tests.export.samples import bow, odd

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def drawn(program: list[str], source: str) -> str:
    done = subprocess.run(program, input=source.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert b"syntax error" not in done.stderr
    return done.stdout.decode()


def test_the_bow(tmp_path: Path) -> None:
    target = tmp_path / "bow.dot"
    dot.write(*bow(tmp_path), target)
    text = target.read_text(encoding="utf-8")
    assert '"2" [label="prediction\\nAddBackward0"' in text
    assert 'source="bow.py:9"' in text
    assert 'grad_norm="7.5"' in text
    assert '"2" -> "4" [input_number=0, slot="1"];' in text


@needs_graphviz
def test_graphviz_reads_it(tmp_path: Path) -> None:
    target = tmp_path / "bow.dot"
    dot.write(*bow(tmp_path), target)
    plain = drawn(["dot", "-Tplain"], target.read_text(encoding="utf-8"))
    assert plain.count("node ") == 6
    assert plain.count("edge ") == 5


@needs_graphviz
def test_our_positions_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "bow.dot"
    graph, layout = bow(tmp_path)
    dot.write(graph, layout, target)
    lines = drawn(["neato", "-n2", "-Tplain"], target.read_text(encoding="utf-8")).splitlines()
    y = {int(line.split()[1]): float(line.split()[3]) for line in lines if line.startswith("node")}
    assert sorted(y, key=lambda node: -y[node])[:3] == [0, 1, 2]


@needs_graphviz
def test_odd_content_is_valid() -> None:
    stream = io.StringIO()
    graph, layout = odd()
    dot.write(graph, layout, stream)
    source = stream.getvalue().encode("utf-8", "replace").decode()
    plain = drawn(["dot", "-Tplain"], source)
    assert sum(line.startswith("edge ") for line in plain.splitlines()) == 3
