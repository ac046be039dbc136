"""The laws of the house, checked on the source and in real processes."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("engine", "gui", "resources", "tests", "benchmarks", "docs", "tools")
FILES_BESIDE = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "main.py",
    "pyproject.toml",
}
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 70
PROGRAM = ("main.py", "engine", "gui")
RUNS_CODE_WHEN_READ = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


@dataclass(frozen=True)
class Module:
    """One source file; `name` is its path from the root, with slashes."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def calls(self) -> list[tuple[int, str, ast.Call]]:
        """Line, what is called ("torch.load"), and the call."""
        return [(node.lineno, ast.unparse(node.func), node) for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full name of all that is imported: at the top, in functions, by name in a string."""
        return [(line, name) for node in self.nodes for line, name in _imports(node)]

    def imports_of(self, packages: Collection[str]) -> Iterator[str]:
        return (f"{line}: imports {name}" for line, name in self.imports if name.split(".")[0] in packages)

    def is_in(self, *rooms: str) -> bool:
        return self.name in rooms or self.name.startswith(tuple(f"{room}/" for room in rooms))


def _imports(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Import(names=names):
            yield from ((node.lineno, alias.name) for alias in names)
        case ast.ImportFrom(module=module, names=names, level=0) if module:
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in names)
        case ast.Call(args=[ast.Constant(value=str(name)), *_]):
            if ast.unparse(node.func) in ("__import__", "import_module", "importlib.import_module"):
                yield node.lineno, name


@cache
def _modules(*rooms: str) -> tuple[Module, ...]:
    paths = [
        path for room in rooms for path in ((ROOT / room).rglob("*.py") if (ROOT / room).is_dir() else [ROOT / room])
    ]
    return tuple(Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in sorted(paths))


Law = Callable[[Module], Iterable[str]]


def torch_stays_behind_the_wall(module: Module) -> Iterator[str]:
    if not module.is_in("engine/capture", "engine/host") or module.name == "engine/host/protocol.py":
        yield from module.imports_of({"torch", "torchvision"})
    if not module.is_in("engine/capture", "engine/host", "engine/__init__.py", "engine/cli.py"):
        for line, name in module.imports:
            if re.match(r"engine\.(capture|host\.(?!protocol))", name):
                yield f"{line}: imports {name}, which imports torch"


def qt_is_imported_by_the_window_only(module: Module) -> Iterable[str]:
    return () if module.is_in("gui") else module.imports_of({"PySide6", "shiboken6", "pyqtgraph"})


def the_engine_does_not_know_the_window(module: Module) -> Iterable[str]:
    return module.imports_of({"gui", "main"}) if module.is_in("engine") else ()


def opening_a_recording_runs_no_code(module: Module) -> Iterator[str]:
    """Nothing that can run code from data: pickle and its like, torch.load without weights_only, eval."""
    yield from module.imports_of(RUNS_CODE_WHEN_READ)
    for line, called, call in module.calls:
        given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
        unsafe = (
            called == "eval"
            or (called == "exec" and not module.is_in("engine/host", "engine/capture"))
            or (called == "torch.load" and given.get("weights_only") is not True)
            or (called in ("np.load", "numpy.load") and given.get("allow_pickle") is True)
        )
        if unsafe:
            yield f"{line}: calls {called}"


def colours_come_from_the_theme(module: Module) -> Iterator[str]:
    if module.name == "gui/theme.py":
        return
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for colour in re.findall(r"#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b", node.value):
                yield f"{node.lineno}: {colour}"
    for line, called, call in module.calls:
        if called.endswith("QColor") and any(isinstance(argument, ast.Constant) for argument in call.args):
            yield f"{line}: {ast.unparse(call)}"


def only_the_command_line_prints(module: Module) -> Iterable[str]:
    if module.is_in("main.py", "engine/cli.py"):
        return ()
    return (f"{line}: prints" for line, called, _ in module.calls if called == "print")


def a_module_says_what_it_is(module: Module) -> Iterable[str]:
    return () if ast.get_docstring(module.tree) or not module.tree.body else ["1: no docstring"]


def a_file_is_about_one_thing(module: Module) -> Iterable[str]:
    length = len(module.text.splitlines())
    return () if length <= MAX_FILE_LINES else [f"{length}: so many lines"]


def a_function_fits_on_a_screen(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {length} lines"


# Each law with one line of source that breaks it, and the file in which it would.
OF_THE_PROGRAM: dict[Law, list[tuple[str, str]]] = {
    torch_stays_behind_the_wall: [
        ("gui/x.py", "def f():\n    import torch.nn"),
        ("engine/host/protocol.py", "from torch import nn"),
        ("engine/graph/x.py", "importlib.import_module('torchvision')"),
        ("gui/x.py", "from engine.capture import names"),
        ("gui/x.py", "from engine.host.run import run"),
        ("main.py", "from engine import capture"),
    ],
    qt_is_imported_by_the_window_only: [
        ("engine/x.py", "from PySide6.QtCore import Qt"),
        ("main.py", "import pyqtgraph"),
    ],
    the_engine_does_not_know_the_window: [("engine/cli.py", "from gui.app import main")],
    opening_a_recording_runs_no_code: [
        ("engine/recording/x.py", "import pickle"),
        ("engine/host/x.py", "torch.load(path)"),
        ("gui/x.py", "np.load(path, allow_pickle=True)"),
        ("gui/x.py", "eval(text)"),
        ("engine/recording/x.py", "exec(text)"),
    ],
    colours_come_from_the_theme: [("gui/x.py", "pen = '#FF9A3D'"), ("gui/x.py", "QtGui.QColor(255, 0, 0)")],
    only_the_command_line_prints: [("gui/x.py", "print('here')")],
    a_module_says_what_it_is: [("engine/x.py", "import os")],
}
OF_ALL_CODE: dict[Law, list[tuple[str, str]]] = {
    a_file_is_about_one_thing: [("gui/x.py", "pass\n" * (MAX_FILE_LINES + 1))],
    a_function_fits_on_a_screen: [("gui/x.py", "def f():\n" + "    pass\n" * MAX_FUNCTION_LINES)],
}
BREACHES = [(law, *breach) for law, breaches in {**OF_THE_PROGRAM, **OF_ALL_CODE}.items() for breach in breaches]


@pytest.mark.parametrize("law", [*OF_THE_PROGRAM, *OF_ALL_CODE], ids=lambda law: law.__name__)
def test_law(law: Law) -> None:
    rooms = PROGRAM if law in OF_THE_PROGRAM else (*PROGRAM, "tests", "benchmarks", "tools", "resources")
    assert [f"{module.name}:{breach}" for module in _modules(*rooms) for breach in law(module)] == []


@pytest.mark.parametrize(("law", "name", "text"), BREACHES)
def test_a_breach_of_the_law_is_noticed(law: Law, name: str, text: str) -> None:
    assert list(law(Module(name, text))) != []


def test_the_rooms_are_fixed() -> None:
    answer = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        pytest.skip("needs the git checkout, to know what belongs to the project")
    top = {name.split("/")[0] for name in answer.stdout.splitlines() if not name.startswith(".")}
    assert top <= {*ROOMS, *FILES_BESIDE}


# What only a real process can show. Each prints the packages that it ended up with.

REPORT = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
CREATE_WINDOW = """
from gui.app import create_window
window = create_window()
window.show()
from PySide6.QtWidgets import QApplication
QApplication.processEvents()
"""


def _packages_after(program_text: str, *, forbidden: tuple[str, ...] = ()) -> set[str]:
    """The packages that a new Python has loaded after it ran a program; it cannot import the `forbidden` ones."""
    guard = f"import sys; sys.modules.update(dict.fromkeys({forbidden!r}))\n"
    report = f"\n{REPORT}"
    command = [sys.executable, "-c", guard + program_text + report]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout.splitlines()[-1])) - set(forbidden)


def test_the_window_imports_no_torch() -> None:
    assert not _packages_after(CREATE_WINDOW) & {"torch", "torchvision"}


def test_the_window_works_where_torch_is_not_installed() -> None:
    assert "gui" in _packages_after(CREATE_WINDOW, forbidden=("torch", "torchvision"))


def test_the_engine_imports_neither_torch_nor_qt() -> None:
    imported = _packages_after("import engine, engine.recording.reader, engine.host.protocol")
    assert not imported & {"torch", "torchvision", "PySide6", "pyqtgraph", "gui"}


def test_asking_for_the_version_is_cheap() -> None:
    program_text = (
        "import runpy, sys; sys.argv = ['main.py', '--version']\ntry: runpy.run_path('main.py', run_name='__main__')\n"
    )
    imported = _packages_after(program_text + "except SystemExit as end: assert not end.code\n")
    assert not imported & {"torch", "numpy", "networkx", "PySide6", "pyqtgraph"}
