"""The fixture that proves that nothing is left behind must itself be able to fail."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from tests import leftovers


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PATIENCE", 0.0)


def test_a_thread_is_noticed() -> None:
    before = leftovers.present()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="forgotten")
    thread.start()
    try:
        assert leftovers.since(before) == ["thread 'forgotten'"]
    finally:
        stop.set()
        thread.join()
    assert leftovers.since(before) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_child_process_is_noticed_even_after_it_ended() -> None:
    before = leftovers.present()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert [f"process {child.pid}" in found for found in leftovers.since(before)] == [True]
    assert child.stdin is not None
    child.stdin.close()  # input() raises EOFError; the process ends and waits to be waited for
    try:
        assert [f"process {child.pid}" in found for found in leftovers.since(before)] == [True]
    finally:
        child.wait()
    assert leftovers.since(before) == []


def test_a_running_timer_is_noticed(qtbot: QtBot) -> None:
    before = leftovers.present()
    owner = QObject()
    timer = QTimer(owner)
    timer.start(1000)
    assert leftovers.since(before) == ["QTimer of QObject"]
    timer.stop()
    assert leftovers.since(before) == []


def test_a_window_is_noticed_and_taken_away(qtbot: QtBot) -> None:
    window, tip = QWidget(), QWidget(None, Qt.WindowType.ToolTip)
    window.setObjectName("forgotten")
    menu = QMenu("Colours", window)
    menu.addAction("None")
    assert leftovers.hide_windows() == []
    window.show()
    tip.show()
    menu.popup(QPoint(0, 0))
    assert leftovers.hide_windows() == ["QMenu", "QWidget 'forgotten'"]
    assert not window.isVisible()
    assert leftovers.hide_windows() == []


def test_a_window_that_is_just_going_is_not_held_against_anyone(qtbot: QtBot) -> None:
    window = QWidget()
    window.show()
    window.deleteLater()
    assert leftovers.hide_windows() == []
    assert not isValid(window)


def test_torch_hooks_and_modes_are_noticed() -> None:
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook
    from torch.optim.optimizer import register_optimizer_step_post_hook
    from torch.overrides import TorchFunctionMode

    before = leftovers.present()
    module = register_module_forward_pre_hook(lambda module, arguments: None)
    optimizer = register_optimizer_step_post_hook(lambda optimizer, arguments, keywords: None)
    with TorchFunctionMode():
        found = leftovers.since(before)
    module.remove()
    optimizer.remove()
    assert len(found) == 3
    assert any("forward_pre_hooks" in description for description in found)
    assert any("optimizer_post_hooks" in description for description in found)
    assert "torch function mode" in found
    assert leftovers.since(before) == []
    assert torch.is_grad_enabled()


@pytest.fixture
def reader() -> Iterator[list[Path]]:
    """Looks for files after all fixtures that were made later are gone."""
    read: list[Path] = []
    yield read
    assert read
    assert all(path.exists() for path in read)


def test_a_folder_outlives_what_reads_from_it(reader: list[Path], tmp_path: Path) -> None:
    """Whatever the order in which they are asked for."""
    (tmp_path / "file").touch()
    reader.append(tmp_path / "file")
