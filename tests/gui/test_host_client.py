"""The host client, with processes that say and do what a host may."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.host import protocol
from gui import host_client
from gui.host_client import HostClient, RunEnd, RunOptions
from tests.gui.conftest import Script


@pytest.fixture
def client(qapp: QApplication) -> Iterator[HostClient]:
    made = HostClient()
    yield made
    made.shut_down()


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(tmp_path / "script.py", tmp_path / "run.chain")


def _run(client: HostClient, options: RunOptions, qtbot: QtBot) -> RunEnd:
    with qtbot.waitSignal(client.ended) as ended:
        client.start(options)
    end: RunEnd = ended.args[0]
    return end


def _record(signal_of: Any) -> list[Any]:
    seen: list[Any] = []
    signal_of.connect(lambda *values: seen.append(values[0] if len(values) == 1 else values))
    return seen


def test_the_command_line() -> None:
    options = RunOptions(Path("/a/b.py"), Path("/c/d.chain"), "stats", 7, ("--epochs", "2"))
    assert options.command() == [
        "-u", "-m", "engine.host", "/a/b.py", "--output", "/c/d.chain", "--tensors", "stats", "--limit",
        str(4 << 30), "--pause-after", "7", "--cwd", "/a", "--", "--epochs", "2",
    ]  # fmt: skip
    assert "--pause-after" not in RunOptions(Path("/a/b.py"), Path("/c/d.chain")).command()


def test_messages_come_as_signals(client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot) -> None:
    fake_host("""
        say("started", recording=output, torch="2.13.0", pid=os.getpid())
        say("committed", events=12, steps=1)
        say("notice", text="by the way")
        say("failed", error="ValueError: no", traceback="...", file="script.py", line=3)
        say("finished", exit_code=1, reason="error", events=12, steps=1)
        sys.exit(1)
    """)
    started, committed, notices, failed = map(_record, (client.started, client.committed, client.notice, client.failed))
    states = _record(client.state_changed)
    end = _run(client, options, qtbot)
    assert started[0].recording == str(options.output)
    assert committed == [(12, 1)]
    assert notices == ["by the way"]
    assert failed[0].line == 3
    assert (end.exit_code, end.signal, end.asked_to_stop) == (1, None, False)
    assert end.finished == protocol.Finished(1, "error", 12, 1)
    assert states == ["starting", "running", "idle"]


def test_what_was_printed_before_a_failure_comes_before_it(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot, tmp_path: Path
) -> None:
    """As the prompt of an `input()` that nobody can answer: on a line that does not end, through another pipe."""
    written = tmp_path / "written"
    fake_host(f"""
        sys.stderr.write("your name? ")
        say("failed", error="EOFError: EOF when reading a line", traceback="...", file="script.py", line=3)
        open({str(written)!r}, "w").close()
        listen()
    """)
    told: list[str] = []
    client.output.connect(told.append)
    client.failed.connect(lambda message: told.append(message.error))
    with qtbot.waitSignal(client.failed):
        client.start(options)
        until = time.monotonic() + 60
        while not written.exists() and time.monotonic() < until:
            pass  # both pipes are full before any is read
    assert told == ["your name? ", "EOFError: EOF when reading a line"]


def test_output_is_text_whatever_the_bytes(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host(r"""
        for piece in (b"caf\xc3", b"\xa9 \xff\n"):
            sys.stderr.buffer.write(piece); sys.stderr.buffer.flush(); time.sleep(0.05)
    """)
    pieces = _record(client.output)
    _run(client, options, qtbot)
    assert "".join(pieces) == "café \N{REPLACEMENT CHARACTER}\n"


def test_a_line_that_is_no_message_is_remarked_upon(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host("""
        print("this is not JSON")
        print('{"message": "from the future"}')
        say("committed", events=1, steps=1)
    """)
    remarks, committed = _record(client.remark), _record(client.committed)
    _run(client, options, qtbot)
    assert len(remarks) == 2
    assert committed == [(1, 1)]


def test_a_paused_script_is_stepped_and_resumed(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host("""
        say("started", recording=output, torch="", pid=1)
        say("paused", step=0)
        heard = [listen()]; say("resumed"); say("paused", step=1)
        heard.append(listen()); say("resumed")
        say("notice", text=" ".join(heard))
    """)
    notices = _record(client.notice)
    with qtbot.waitSignal(client.paused):
        client.start(options)
    assert client.state == "paused"
    with qtbot.waitSignal(client.paused) as paused:
        client.step()
    assert paused.args == [1]
    with qtbot.waitSignal(client.ended):
        client.resume()
    assert notices == ["step resume"]


def test_a_process_that_is_killed_is_told(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host("os.kill(os.getpid(), 9)")
    end = _run(client, options, qtbot)
    assert end.signal == signal.SIGKILL
    assert end.finished is None
    assert client.state == "idle"


def test_stop_is_asked_for(client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot) -> None:
    fake_host("""
        say("started", recording=output, torch="", pid=1)
        if listen() == "stop":
            say("finished", exit_code=0, reason="stopped", events=0, steps=0)
    """)
    with qtbot.waitSignal(client.started):
        client.start(options)
    with qtbot.waitSignal(client.ended) as ended:
        client.stop()
        assert client.state == "stopping"
    assert ended.args[0].asked_to_stop
    assert ended.args[0].finished.reason == "stopped"


def test_who_does_not_listen_is_killed(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host("""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say("started", recording=output, torch="", pid=1)
        while True: time.sleep(1)
    """)
    client._stop_timer.setInterval(50)
    with qtbot.waitSignal(client.started):
        client.start(options)
    with qtbot.waitSignal(client.ended) as ended:
        client.stop()
    assert ended.args[0].signal == signal.SIGKILL
    assert ended.args[0].asked_to_stop


def test_a_python_that_is_not_there_is_told(
    client: HostClient, options: RunOptions, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_client, "python_command", lambda: "/no/such/python")
    end = _run(client, options, qtbot)
    assert end.error
    assert not client.is_active


def test_a_second_start_is_ignored_while_one_runs(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host('say("started", recording=output, torch="", pid=1); listen()')
    with qtbot.waitSignal(client.started):
        client.start(options)
    pid = client.pid
    client.start(options)
    assert client.pid == pid != 0


def test_shutting_down_leaves_no_process(
    client: HostClient, options: RunOptions, fake_host: Script, qtbot: QtBot
) -> None:
    fake_host("""
        say("started", recording=output, torch="", pid=1)
        while True: time.sleep(1)
    """)
    with qtbot.waitSignal(client.started):
        client.start(options)
    ended = _record(client.ended)
    client.shut_down(patience_ms=100)
    assert client.pid == 0
    assert len(ended) == 1


SCRIPT = """
import torch
print("torch is here")
w = torch.ones(1, requires_grad=True)
(w * 2).sum().backward()
"""


def test_a_waiting_host_is_given_the_next_run(client: HostClient, options: RunOptions, qtbot: QtBot) -> None:
    options.script.write_text(SCRIPT)
    client.make_ready(SCRIPT)
    assert not client.is_active
    said, committed = _record(client.output), _record(client.committed)
    with qtbot.waitSignal(client.ended) as ended:
        client.start(options)
        assert client.pid
    end: RunEnd = ended.args[0]
    assert end.finished is not None
    assert (end.exit_code, end.finished.reason) == (0, "completed")
    assert "".join(said) == "torch is here\n"
    assert committed[-1][0] == end.finished.events > 0


def test_a_waiting_host_ends_with_the_window(client: HostClient) -> None:
    client.make_ready()
    client.shut_down()
    assert not client.is_active


def test_a_waiting_host_that_died_is_replaced(client: HostClient, options: RunOptions, qtbot: QtBot) -> None:
    options.script.write_text(SCRIPT)
    client.make_ready()
    waiting = client._waiting._process
    assert waiting is not None
    with qtbot.waitSignal(waiting.finished):
        waiting.kill()
    with qtbot.waitSignal(client.ended) as ended:
        client.start(options)
    assert ended.args[0].exit_code == 0
