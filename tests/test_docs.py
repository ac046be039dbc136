"""What the documentation says is true: its examples run, its links lead somewhere, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.actions import ACTIONS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    local = [target.split("#")[0] for target in targets if not target.startswith(("http", "#"))]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_example_of_a_panel_works(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "adding-a-panel.md").read_text(encoding="utf-8")
    widget, test = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    module = types.ModuleType("gui.gradient_norm")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(widget, "adding-a-panel.md", "exec"), module.__dict__)
    names: dict[str, Callable[..., None]] = {}
    exec(compile(test, "adding-a-panel.md", "exec"), names)
    names["test_walking_shows_what_seeking_shows"](qtbot, tmp_path)


def test_the_keys_are_those_of_the_window() -> None:
    page = (ROOT / "docs" / "using.md").read_text(encoding="utf-8")
    told = {key for keys in re.findall(r"\(((?:Ctrl|Shift|Alt|\+|F\d+|[A-Z])+)\)", page) for key in keys.split()}
    known = {key for spec in ACTIONS for key in spec.shortcuts.split()}
    assert told
    assert told <= known


def test_the_page_on_the_format_names_all_that_is_in_info() -> None:
    page = (ROOT / "docs" / "recording-format.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "engine" / "capture").glob("*.py"))
    written = set(re.findall(r'(?:info|described)\["(\w+)"\] =|info=\{"(\w+)"', sources))
    keys = {first or second for first, second in written}
    assert {"saved", "tensor", "base"} <= keys
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_every_make_target_that_is_told_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = {name for page in PAGES for name in re.findall(r"(?:`|\n)make ([a-z]+)", page.read_text(encoding="utf-8"))}
    assert {"run", "test", "bench", "screenshots"} <= told
    assert {name for name in told if not re.search(rf"^{name}:", makefile, flags=re.MULTILINE)} == set()


@pytest.mark.parametrize("command", ["record", "info", "verify", "export"])
def test_the_command_line_knows_what_the_readme_tells(command: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(rf"^python main\.py {command} .*(?:\n {{10,}}.*)?", readme, flags=re.MULTILINE)
    assert lines
    program = [sys.executable, "main.py", command, "--help"]
    answer = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0
    for option in re.findall(r"--?[a-z]+", " ".join(lines)):
        assert option in answer.stdout
