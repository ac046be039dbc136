"""Finds what a test left running: threads, child processes, Qt timers and thread pools, torch hooks and modes.

    before = present()
    ...
    assert since(before) == []
    assert hide_windows() == []

Each kind is looked for only where its library has been imported, so that a test of the recording never imports Qt.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 60.0  # seconds that something already told to end is given; much is imported in threads, and that takes long
POLL = 0.01

Thing = tuple[str, int]  # a description, and what tells two of the same description apart
Finder = Callable[[], Iterator[Thing]]


def present() -> frozenset[Thing]:
    """Everything of that kind that runs now."""
    # What exists now is set aside, so that the search for new timers, and each collection of garbage, goes through what
    # the test made and not through all of torch. Not so what the test before held until its very end.
    gc.collect()
    gc.freeze()
    return _found()


def since(before: frozenset[Thing]) -> list[str]:
    """Descriptions of what runs now and did not run `before`; what is just ending is waited for."""
    _finish()
    deadline = time.monotonic() + PATIENCE
    while (remaining := _found() - before) and time.monotonic() < deadline:
        time.sleep(POLL)
        _finish()
    return sorted(description for description, _ in remaining)


def hide_windows() -> list[str]:
    """Descriptions of the windows that are shown, dialogs and menus included; of those Qt's own, the tooltips, not.

    They are hidden, so that only the test that left them fails.
    """
    if "PySide6.QtWidgets" not in sys.modules:
        return []
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication

    if not any(widget.isVisible() for widget in QApplication.topLevelWidgets()):
        return []
    _finish()  # what is just going is gone then
    left = []
    for widget in QApplication.topLevelWidgets():
        if widget.isVisible():
            widget.hide()
            if widget.windowType() != Qt.WindowType.ToolTip:
                words = (type(widget).__name__, repr(widget.objectName()), repr(widget.windowTitle()))
                left.append(" ".join(word for word in words if word != "''"))
    return sorted(left)


def _found() -> frozenset[Thing]:
    return frozenset(thing for finder in FINDERS for thing in finder())


def _threads() -> Iterator[Thing]:
    for thread in threading.enumerate():
        if not isinstance(thread, threading._DummyThread):  # a native thread that once ran Python; not ours to end
            yield f"thread {thread.name!r}", id(thread)


def _children() -> Iterator[Thing]:
    """Child processes, those that ended and were not waited for included. Linux only."""
    helper = _pid_of_resource_tracker()
    for status in Path("/proc/self/task").glob("*/children"):
        try:
            pids = status.read_text().split()
        except OSError:  # the thread has ended
            continue
        for pid in map(int, pids):
            if pid != helper:
                yield f"process {pid} ({_command_of(pid)})", pid


def _pid_of_resource_tracker() -> int | None:
    """`multiprocessing` keeps one helper process for as long as Python runs."""
    module = sys.modules.get("multiprocessing.resource_tracker")
    return module._resource_tracker._pid if module else None


def _command_of(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        command = b""
    return command.replace(b"\0", b" ").decode(errors="replace").strip() or "ended"


def _timers() -> Iterator[Thing]:
    """Running timers made since `present` was last called."""
    if "PySide6.QtCore" not in sys.modules:
        return
    from PySide6.QtCore import QCoreApplication, QThreadPool, QTimer
    from shiboken6 import isValid

    if QCoreApplication.instance() is None:
        return
    for thing in gc.get_objects():
        if type(thing) is QTimer and isValid(thing) and thing.isActive():
            owner = thing.parent()
            yield f"QTimer of {type(owner).__name__ if owner else 'nobody'}", id(thing)
    for number in range(QThreadPool.globalInstance().activeThreadCount()):
        yield "QThreadPool task", number


def _torch_hooks() -> Iterator[Thing]:
    """Global hooks of modules and optimizers, and modes that were entered and not left."""
    modules = sys.modules.get("torch.nn.modules.module")
    optimizers = sys.modules.get("torch.optim.optimizer")
    for module in (modules, optimizers):
        for name, hooks in vars(module).items() if module else ():
            if name.startswith("_global_") and name.endswith("hooks"):
                for key in hooks:
                    yield f"{name[1:]}[{key}]", key
    torch = sys.modules.get("torch")
    if modules and torch:
        for kind in ("function", "dispatch"):
            for number in range(getattr(torch._C, f"_len_torch_{kind}_stack")()):
                yield f"torch {kind} mode", number


def _finish() -> None:
    """Collect garbage (a timer in a reference cycle is not left behind), and let Qt delete what it was told to."""
    gc.collect()
    if "PySide6.QtCore" not in sys.modules:
        return
    from PySide6.QtCore import QCoreApplication, QEvent

    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.processEvents()


FINDERS: tuple[Finder, ...] = (_threads, _children, _timers, _torch_hooks)

# Not on Linux: there is no /proc to look into.
if not os.path.isdir("/proc/self/task"):
    FINDERS = tuple(finder for finder in FINDERS if finder is not _children)
