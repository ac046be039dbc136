"""Runs a script as Python itself would: as `__main__`, with its own `sys.argv` and `sys.path[0]`."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Literal

from engine.capture.frames import ROOT
from engine.errors import ScriptError

Reason = Literal["completed", "exit", "error", "stopped"]
LONGEST_HEADLINE = 300  # characters
_OWN = ROOT / "engine"


class EndOfRecording(BaseException):
    """Unwinds the script when as many steps as asked for are recorded, or when it is to stop."""


@dataclass(frozen=True)
class Failure:
    """What a script's exception says: one line, the whole traceback, and its innermost place in the user's code."""

    error: str
    traceback: str
    file: str
    line: int


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    reason: Reason
    failure: Failure | None = None


def read_script(path: Path) -> bytes:
    """The script's source; `ScriptError` says why it cannot be had."""
    if not path.exists():
        raise ScriptError(f"{path} does not exist. Check the path, or open the script from the menu.")
    if path.is_dir():
        raise ScriptError(f"{path} is a folder. Name the script in it that should be run.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScriptError(f"{path} cannot be read: {error.strerror}.") from error


def run_script(path: Path, arguments: Sequence[str]) -> Outcome:
    """Run the script to its end and say how it ended. Raises `ScriptError` only if it cannot be read."""
    source = read_script(path)
    file = os.path.abspath(path)  # as Python has it: the script may change its working directory
    try:
        code = compile(source, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return Outcome(1, "error", _failure(error, file))
    with _as_main(path, arguments) as module:
        module.__file__ = file
        return _execute(code, module, file)


@contextmanager
def _as_main(path: Path, arguments: Sequence[str]) -> Iterator[ModuleType]:
    """`sys.modules["__main__"]`, `sys.argv` and `sys.path[0]` are the script's inside, and restored afterwards."""
    module = ModuleType("__main__")
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    module.__spec__ = None
    saved = sys.modules["__main__"], sys.argv, list(sys.path)
    sys.modules["__main__"] = module
    sys.argv = [str(path), *arguments]
    sys.path[0] = str(path.resolve().parent)
    gc.freeze()  # what is there by now, torch above all, stays: the script's collections need not look through it
    try:
        yield module
    finally:
        gc.unfreeze()
        sys.modules["__main__"], sys.argv, sys.path[:] = saved


def _execute(code: CodeType, module: ModuleType, path: str) -> Outcome:
    try:
        exec(code, module.__dict__)
    except EndOfRecording:
        return Outcome(0, "stopped")
    except SystemExit as error:
        return Outcome(_exit_code(error), "exit", _farewell(error, path))
    except KeyboardInterrupt as error:
        return Outcome(130, "error", _failure(error, path))
    except BaseException as error:
        return Outcome(1, "error", _failure(error, path))
    return Outcome(0, "completed")


def _exit_code(error: SystemExit) -> int:
    """As Python does it: nothing is 0, a number is itself, anything else is 1 (and printed, see `_farewell`)."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF if error.code >= 0 else error.code % 256
    return 1


def _farewell(error: SystemExit, script: str) -> Failure | None:
    """What a script says that ends with `sys.exit("why")`: its words take the place of a traceback."""
    if error.code is None or isinstance(error.code, int):
        return None
    place = _failure(error, script)
    return Failure(_headline(str(error.code)), f"{error.code}\n", place.file, place.line)


def _headline(text: str) -> str:
    """All that is said, or of much its first line, which says what it is about."""
    text = text.strip()
    if len(text) <= LONGEST_HEADLINE:
        return text
    line = text.partition("\n")[0]
    if len(line) <= LONGEST_HEADLINE:
        return line
    short = line[: LONGEST_HEADLINE - 2]
    return f"{short.rpartition(' ')[0] or short} …"


def _failure(error: BaseException, script: str) -> Failure:
    summary = traceback.TracebackException.from_exception(error)
    _trim(summary)
    frames = [frame for frame in summary.stack if "site-packages" not in frame.filename]
    file, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else (script, 0)
    if isinstance(error, SyntaxError):
        file, line = error.filename or script, error.lineno or 0
    told = (text for text in summary.format_exception_only() if not text[:1].isspace())  # not a syntax error's source
    headline = _headline(next(told, type(error).__name__))
    return Failure(headline, "".join(summary.format()), file, line)


def _trim(summary: traceback.TracebackException | None) -> None:
    """Leave out our own frames, and torch's detours that are there only because we watch; causes and contexts too."""
    seen: set[int] = set()
    waiting = [summary]
    while waiting:
        item = waiting.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        item.stack = traceback.StackSummary.from_list(list(_user_frames(item.stack)))
        waiting += [item.__cause__, item.__context__, *(getattr(item, "exceptions", None) or ())]


def _user_frames(stack: Sequence[traceback.FrameSummary]) -> Iterator[traceback.FrameSummary]:
    """The frames as they would be without us: a watched torch call appears twice, on the way to us and from us."""
    for position, frame in enumerate(stack):
        following = stack[position + 1] if position + 1 < len(stack) else None
        previous = stack[position - 1] if position else None
        if _is_own(frame) or frame.filename.startswith("<frozen"):
            continue
        if frame.name == "handle_torch_function" or (following and following.name == "handle_torch_function"):
            continue
        if frame.filename.endswith("_ops.py") and previous is not None and _is_own(previous):
            continue
        if _leads_to_own(stack, position):
            continue
        yield frame


def _leads_to_own(stack: Sequence[traceback.FrameSummary], position: int) -> bool:
    """Whether these are the wrappers that torch puts round a dispatch mode."""
    for frame in stack[position:]:
        if not frame.filename.endswith(("_compile.py", "eval_frame.py")):
            return _is_own(frame)
    return False


def _is_own(frame: traceback.FrameSummary) -> bool:
    return Path(frame.filename).is_relative_to(_OWN)
