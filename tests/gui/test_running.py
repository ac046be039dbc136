"""Running a script from the window: while it lasts, however it ends, and what is asked before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui import dialogs, numbers, run_control
from gui.files import size_of
from gui.window import MainWindow
from tests.gui.conftest import Script
from tests.recordings import make_bow, make_chain


@pytest.fixture
def recorded(tmp_path: Path, fake_host: Script) -> Path:
    """The fake host's run leaves this recording."""
    return make_bow(tmp_path / "made.chain")


HOST = """
import shutil
shutil.copy({source!r}, output)
say("started", recording=output, torch="2.13.0", pid=os.getpid())
say("committed", events=36, steps=3)
"""


def _text(window: MainWindow) -> str:
    return window.central.messages.text if window.central.messages.isVisible() else ""


def _page(window: MainWindow) -> str:
    page = window.central.page
    return page.objectName() if page is not None else ""


def _run(window: MainWindow, script: Path, fake_host: Script, recorded: Path, code: str) -> None:
    fake_host(HOST.format(source=str(recorded)) + code)
    assert window.open_path(script)
    window.actions_table["run"].trigger()


def test_a_run_is_shown_while_it_lasts(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, """
sys.stderr.write("epoch 1\\n")
say("finished", exit_code=0, reason="completed", events=36, steps=3)
""")  # fmt: skip
    assert window.toolbar.progress_text == "importing torch…"
    assert _page(window) == "ready"
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert window.session.event_count == 36
    assert window.session.playhead == 0
    assert _page(window) == "canvas"
    assert window.toolbar.progress_text == "finished · step 3 · 36 events"
    assert _text(window) == ""
    window.console.flush()
    assert window.console.toPlainText() == "epoch 1\n"
    assert window.windowTitle().startswith("train.py")
    assert window.settings.recent[0] == window.runs.output
    assert window.actions_table["run"].isEnabled()


def test_what_a_large_recording_takes_on_the_disk_is_said(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = recorded.stat().st_size
    monkeypatch.setattr(run_control, "LARGE", size + 1)
    _run(window, script, fake_host, recorded, "listen()")
    qtbot.waitUntil(lambda: window.toolbar.progress_text == "step 3 · 36 events")
    output = window.runs.output
    assert output is not None
    beside = output.with_name(f"{output.name}-data")  # what SQLite takes for its own, it would look into or remove
    beside.write_bytes(bytes(2 << 20))
    assert size_of(output) == size + (2 << 20)
    window.actions_table["stop"].trigger()
    qtbot.waitUntil(lambda: window.toolbar.progress_text.startswith("stopped"))
    assert window.toolbar.progress_text == f"stopped · step 3 · 36 events · {numbers.size(size_of(output))}"


def test_a_script_that_says_nothing_any_more_can_be_stopped_and_how_is_said(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot
) -> None:
    window.runs._quiet.setInterval(1)
    _run(window, script, fake_host, recorded, "listen()")
    qtbot.waitUntil(lambda: window.toolbar.progress_text == "step 3 · 36 events · Shift+F5 stops it")
    window.actions_table["stop"].trigger()
    assert window.toolbar.progress_text == "stopping…"
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert window.toolbar.progress_text == "stopped · step 3 · 36 events"
    assert not window.runs._quiet.isActive()


def test_what_a_script_prints_is_a_sign_of_life(
    window: MainWindow,
    script: Path,
    recorded: Path,
    fake_host: Script,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _run(window, script, fake_host, recorded, "listen()")
    qtbot.waitUntil(lambda: window.session.event_count == 36)
    signs: list[bool] = []
    monkeypatch.setattr(window.runs._quiet, "start", lambda: signs.append(True))
    window.runs.host.output.emit("epoch 1")
    assert signs == [True]


def test_a_killed_script_is_told_and_its_recording_kept(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, "listen()")
    qtbot.waitUntil(lambda: window.session.event_count == 36)
    os.kill(window.runs.host.pid, 9)
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert _text(window) == ("The script's process was killed (signal 9). The recording of 36 events is kept.")
    window.actions_table["go_end"].trigger()
    assert window.session.playhead == 35


def test_an_error_leads_to_its_line(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot
) -> None:
    script.write_text("import torch\n\n1 / 0\n", encoding="utf-8")
    _run(window, script, fake_host, recorded, f"""
say("failed", error="ZeroDivisionError: division by zero", traceback="Traceback …", file={str(script)!r}, line=3)
say("finished", exit_code=1, reason="error", events=36, steps=3)
""")  # fmt: skip
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert _text(window) == "ZeroDivisionError: division by zero (train.py, line 3)"
    assert "Traceback …" in window.console.toPlainText()
    window.central.messages._go.click()
    assert window.source.editor.textCursor().blockNumber() == 2


def test_a_script_that_asks_for_input_is_told_of_arguments(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, f"""
say("failed", error="EOFError: EOF when reading a line", traceback="Traceback …", file={str(script)!r}, line=1)
say("finished", exit_code=1, reason="error", events=36, steps=3)
""")  # fmt: skip
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert _text(window).startswith("EOFError: EOF when reading a line (train.py, line 1). Nobody can type")
    assert "arguments" in _text(window)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('say("finished", exit_code=3, reason="exit", events=36, steps=3); sys.exit(3)', "exit code 3"),
        ('sys.stderr.write("the reason\\n"); sys.exit(7)', "ended unexpectedly (exit code 7)"),
    ],
)
def test_other_ends_are_told(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot, code: str, expected: str
) -> None:
    _run(window, script, fake_host, recorded, code)
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert expected in _text(window)
    assert "of 36 events is kept" in _text(window)


def test_a_script_without_backward_is_told(window: MainWindow, script: Path, fake_host: Script, qtbot: QtBot) -> None:
    fake_host('say("finished", exit_code=0, reason="completed", events=0, steps=0)')
    assert window.open_path(script)
    window.actions_table["run"].trigger()
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert "never called backward()" in _text(window)


def test_a_recording_that_the_script_deleted_is_told(
    window: MainWindow, script: Path, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host('say("finished", exit_code=0, reason="completed", events=36, steps=3)')
    assert window.open_path(script)
    window.actions_table["run"].trigger()
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert f"its recording is gone: {window.runs.output}" in _text(window)


def test_a_python_that_cannot_be_started_is_named_and_leaves_no_file(
    window: MainWindow, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("gui.host_client.python_command", lambda: str(tmp_path / "python"))
    assert window.open_path(script)
    window.actions_table["run"].trigger()
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert _text(window).startswith(f"Python could not be started: {tmp_path / 'python'} (")
    assert window.runs.output is not None
    assert not window.runs.output.exists()
    assert window.actions_table["run"].isEnabled()


@pytest.mark.parametrize(("code", "kept"), [("sys.exit(1)", False), ('open(output, "w").write("x")', True)])
def test_only_a_run_that_wrote_nothing_leaves_no_file(
    window: MainWindow, script: Path, fake_host: Script, qtbot: QtBot, code: str, kept: bool
) -> None:
    fake_host(code)
    assert window.open_path(script)
    window.actions_table["run"].trigger()
    assert window.runs.output is not None
    assert window.runs.output.exists()
    qtbot.waitUntil(lambda: not window.runs.is_active)
    assert window.runs.output.exists() is kept


def test_stepping_past_the_end_of_a_paused_script_records_one_more_step(
    window: MainWindow, script: Path, tmp_path: Path, fake_host: Script, qtbot: QtBot
) -> None:
    short, long = make_chain(tmp_path / "short.chain", 8, 1), make_chain(tmp_path / "long.chain", 8, 2)
    fake_host(f"""
        import shutil, sqlite3
        shutil.copy({str(short)!r}, output)
        db = sqlite3.connect(output); db.execute("DELETE FROM meta WHERE key = 'closed'"); db.commit(); db.close()
        say("started", recording=output, torch="", pid=1)
        say("committed", events=1, steps=1)
        say("paused", step=0)
        assert listen() == "step"
        say("resumed")
        db = sqlite3.connect(output); db.execute("ATTACH ? AS more", ({str(long)!r},))
        for table, in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if table != "meta": db.execute(f"INSERT OR IGNORE INTO main.{{table}} SELECT * FROM more.{{table}}")
        db.commit(); db.close()
        say("committed", events=2, steps=2)
        say("paused", step=1)
        listen()
    """)
    assert window.open_path(script)
    window.actions_table["run"].trigger()
    qtbot.waitUntil(lambda: window.runs.is_paused and window.session.event_count > 0)
    assert window.toolbar.progress_text.startswith("paused")
    before = window.session.event_count
    window.actions_table["go_end"].trigger()
    assert window.actions_table["step_forward"].isEnabled()
    window.actions_table["step_forward"].trigger()
    qtbot.waitUntil(lambda: window.session.playhead == before)
    assert window.session.event_count == 2 * before
    window.actions_table["stop"].trigger()
    window.runs.host.shut_down()


def test_running_a_paused_script_again_starts_it_anew(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, 'say("paused", step=2)\nlisten()')
    qtbot.waitUntil(lambda: window.runs.is_paused)
    first = window.runs.host.pid
    run = window.actions_table["run"]
    assert run.isEnabled()
    monkeypatch.setattr(dialogs, "ask_to_stop", lambda *_: False)
    run.trigger()
    assert window.runs.host.pid == first
    monkeypatch.setattr(dialogs, "ask_to_stop", lambda *_: True)
    run.trigger()
    assert not run.isEnabled()
    qtbot.waitUntil(lambda: window.runs.is_paused)
    assert window.runs.host.pid != first
    window.runs.host.shut_down()


def test_nobody_is_asked_about_a_script_that_is_being_stopped(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, "listen()\nlisten()")
    qtbot.waitUntil(lambda: window.runs.host.state == "running")
    window.actions_table["stop"].trigger()
    assert window.runs.is_active
    monkeypatch.setattr(dialogs, "ask_to_stop", lambda *_: False)
    assert window.open_path(recorded)
    assert window.session.event_count == 36


def test_closing_the_window_asks_before_it_stops_a_running_script(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, "listen()")
    qtbot.waitUntil(lambda: window.runs.host.state == "running")
    monkeypatch.setattr(dialogs, "ask_to_stop", lambda *_: False)
    assert not window.close()
    assert window.isVisible()
    assert window.runs.is_active
    monkeypatch.setattr(dialogs, "ask_to_stop", lambda *_: True)
    assert window.close()
    assert not window.runs.is_active


def test_closing_the_window_asks_nothing_about_a_script_that_is_paused(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, 'say("paused", step=2)\nlisten()')
    qtbot.waitUntil(lambda: window.runs.is_paused)
    monkeypatch.setattr(dialogs, "ask_to_stop", lambda *_: False)
    assert window.close()
    assert not window.runs.is_active


def test_an_edited_script_runs_only_once_it_is_saved(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    fake_host(
        HOST.format(source=str(recorded)) + 'say("finished", exit_code=0, reason="completed", events=36, steps=3)'
    )
    assert window.open_path(script)
    window.source.editor.insertPlainText("# ")
    window.actions_table["run"].trigger()
    assert window.runs.host.state == "idle"
    assert window.source.modified
    monkeypatch.setattr(dialogs, "ask_to_save_and_run", lambda *_: True)
    window.actions_table["run"].trigger()
    assert window.runs.is_active
    assert script.read_text(encoding="utf-8").startswith("# import")
    qtbot.waitUntil(lambda: not window.runs.is_active)


def test_closing_the_window_ends_the_script(
    window: MainWindow, script: Path, recorded: Path, fake_host: Script, qtbot: QtBot
) -> None:
    _run(window, script, fake_host, recorded, "listen()")
    qtbot.waitUntil(lambda: window.session.event_count == 36)
    pid = window.runs.host.pid
    window.close()
    assert not window.runs.is_active
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
