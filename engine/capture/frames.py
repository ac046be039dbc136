"""Where in the user's program an operation was made: file, line, function, and the variable it was assigned to."""

from __future__ import annotations

import ast
import linecache
import site
import sys
import sysconfig
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

from engine.source_text import decoded

ROOT = Path(__file__).resolve().parents[2]
_OWN = tuple(ROOT / name for name in ("engine", "gui", "main.py"))
_OURS, _TORCH, _LIBRARY, _USER = range(4)
Spot = tuple[int, int]


class Place(NamedTuple):
    """A position in a running frame. `moment`, the instruction, tells two runs of the same statement apart."""

    path: str
    line: int
    function: str
    frame: int
    moment: int
    library: tuple[str, int, str] | None
    code: CodeType | None = None

    @property
    def start(self) -> Spot | None:
        """Line and column, in bytes of UTF-8, at which what runs begins; slow, since all instructions are read."""
        if self.code is None:
            return None
        line, _, column, _ = next(islice(self.code.co_positions(), self.moment // 2, None))
        return None if line is None or column is None else (line, column)


class _Statement(NamedTuple):
    """What stands from `start` to before `end`; `name`: the one name or attribute that it assigns to, or ""."""

    start: Spot
    end: Spot
    name: str


class Frames:
    """Classifies code by the file it came from, and remembers the verdict for each file."""

    def __init__(self, script: str = "") -> None:
        self._verdicts: dict[str, int] = {}
        self._script_folder = Path(script).resolve().parent if script else None
        self._libraries = _library_folders()
        self._statements: dict[str, dict[int, list[_Statement]]] = {}

    def place(self, depth: int = 1) -> Place | None:
        """The innermost frame of the user's own code; `library` is the innermost one outside torch, if another."""
        return self.place_from(sys._getframe(depth))

    def place_from(self, frame: FrameType | None) -> Place | None:
        """The same of `frame` and its callers."""
        library: tuple[str, int, str] | None = None
        while frame is not None:
            verdict = self.verdict(frame.f_code)
            if verdict == _USER:
                code = frame.f_code
                return Place(
                    code.co_filename, frame.f_lineno, code.co_qualname, id(frame), frame.f_lasti, library, code
                )
            if verdict == _LIBRARY and library is None:
                library = (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)
            frame = frame.f_back
        return None

    def user_frames(self) -> list[FrameType]:
        """The frames of the user's own code, innermost first."""
        frame: FrameType | None = sys._getframe(1)
        found = []
        while frame is not None:
            if self.verdict(frame.f_code) == _USER:
                found.append(frame)
            frame = frame.f_back
        return found

    def verdict(self, code: CodeType) -> int:
        """Whether `code` is ours, torch's, another library's, or the user's."""
        known = self._verdicts.get(code.co_filename)
        if known is None:
            known = self._verdicts[code.co_filename] = self._classify(code.co_filename)
        return known

    def _classify(self, filename: str) -> int:
        if filename.startswith("<") and not filename.startswith("<ipython"):
            return _TORCH  # generated code: nothing to show
        path = Path(filename).resolve()
        if any(map(path.is_relative_to, _OWN)):
            return _OURS
        if self._script_folder and path.is_relative_to(self._script_folder) and "site-packages" not in path.parts:
            return _USER
        if any(map(path.is_relative_to, self._libraries)):
            return _TORCH if "torch" in path.parts else _LIBRARY
        return _USER

    def assigned_name(self, place: Place) -> tuple[Spot, str] | None:
        """(where the statement begins, the name it assigns to) if `place` stands in an assignment to one name."""
        table = self._statements.get(place.path)
        if table is None:
            table = self._statements[place.path] = _statements(place.path)
        found = table.get(place.line, [])
        if len(found) > 1:
            spot = place.start
            found = [each for each in found if spot is not None and each.start <= spot < each.end]
        return (found[0].start, found[0].name) if found and found[0].name else None


def _library_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {*site.getsitepackages(), site.getusersitepackages()}
    folders |= {
        str(Path(module.__file__).resolve().parents[1]) for module in (sys.modules["torch"],) if module.__file__
    }
    return tuple(Path(folder).resolve() for folder in folders)


def read_source(path: str, limit: int = 2_000_000) -> str:
    """The text of a source file, or of a notebook's cell; "" if it cannot be read or is longer than `limit` bytes."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        data = "".join(linecache.getlines(path)).encode("utf-8", "replace")
    if len(data) > limit:
        return ""
    try:
        return decoded(data)
    except (SyntaxError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")


def _statements(path: str) -> dict[int, list[_Statement]]:
    """Line → what stands on it: simple statements, and the heads of compound ones."""
    try:
        tree = ast.parse(read_source(path))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    table: dict[int, list[_Statement]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        start = node.lineno, node.col_offset
        if (
            hasattr(node, "body")
            or isinstance(node, ast.Match)
            or node.end_lineno is None
            or node.end_col_offset is None
        ):
            end = start  # of a head nothing has a name
        else:
            end = node.end_lineno, node.end_col_offset
        statement = _Statement(start, end, _assigned(node))
        for line in range(start[0], end[0] + 1):
            table.setdefault(line, []).append(statement)
    return table


def _assigned(node: ast.stmt) -> str:
    """The one name or attribute that a statement assigns to, or ""."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        target = node.target
    else:
        return ""
    return ast.unparse(target) if isinstance(target, ast.Name | ast.Attribute) else ""
