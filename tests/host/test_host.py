"""The host as a process: what it tells, how it obeys, and what is left of a recording when it is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from engine.host import protocol
from engine.recording.check import check
from engine.recording.reader import open_recording

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("CHAINRULE_KILLS", "4"))
LOOP = """
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters())
for step in range({steps}):
    loss = model(torch.randn(8, 64)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("step", step)
"""


class Host:
    """A running host, its messages as they come in, and its standard error."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.messages: list[Any] = []
        self._arrived = threading.Condition()
        assert process.stdout is not None
        self.reader = threading.Thread(target=self._read, args=(process.stdout,))
        self.reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            message = protocol.decode(line)
            with self._arrived:
                self.messages.append(message)
                self._arrived.notify_all()

    def wait_for(self, kind: type[Any], seconds: float = 120.0) -> Any:
        """The newest message of this kind, once there is one."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                found = [message for message in self.messages if isinstance(message, kind)]
                if found:
                    return found[-1]
                assert self._arrived.wait(max(0.0, deadline - time.monotonic())), f"no {kind.__name__} came"

    def say(self, command: protocol.Command) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(protocol.encode(command))
        self.process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Exit code and standard error, once the process has ended."""
        assert self.process.stderr is not None
        printed = self.process.stderr.read().decode()
        code = self.process.wait(120)
        self.reader.join()
        return code, printed


@contextmanager
def host(script: Path, output: Path, *options: str) -> Iterator[Host]:
    """A host that runs `script`, ended on the way out whatever happens."""
    command = [sys.executable, "-u", "-m", "engine.host", str(script), "--output", str(output), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running = Host(process)
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        running.reader.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def _script(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(text)
    return path


def test_a_run_from_start_to_end(tmp_path: Path) -> None:
    text = (
        LOOP.format(steps=3) + "import sys; sys.stderr.write('careful\\n'); print(open(0).read() == '', sys.argv[1:])"
    )
    with host(_script(tmp_path, text), tmp_path / "run.chain", "--", "-x", "--", "1") as running:
        code, printed = running.end()
    assert code == 0
    assert printed == "step 0\nstep 1\nstep 2\ncareful\nTrue ['-x', '--', '1']\n"
    kinds = [type(message).__name__ for message in running.messages]
    assert kinds[0] == "Started"
    assert kinds[-1] == "Finished"
    finished = running.messages[-1]
    assert (finished.reason, finished.steps, finished.exit_code) == ("completed", 3, 0)
    recording = open_recording(tmp_path / "run.chain")
    assert len(recording.timeline) == finished.events == running.wait_for(protocol.Committed).events
    recording.close()


def test_it_waits_runs_one_step_and_stops(tmp_path: Path) -> None:
    with host(_script(tmp_path, LOOP.format(steps=10**9)), tmp_path / "run.chain", "--pause-after", "2") as running:
        assert running.wait_for(protocol.Paused).step == 1
        committed = running.wait_for(protocol.Committed).events
        assert committed > 0
        running.messages.clear()
        running.say(protocol.StepOnce())
        assert running.wait_for(protocol.Paused).step == 2
        running.say(protocol.Resume())
        running.messages.clear()
        assert running.wait_for(protocol.Committed).events > committed
        running.say(protocol.Stop())
        code, _ = running.end()
        assert running.messages[-1].reason == "stopped"
    assert code == 130
    recording = open_recording(tmp_path / "run.chain")
    assert recording.complete
    assert len(recording.steps) >= 3
    recording.close()


def test_it_runs_one_step_wherever_it_was_paused(tmp_path: Path) -> None:
    with host(_script(tmp_path, LOOP.format(steps=10**9)), tmp_path / "run.chain", "--pause-after", "3") as running:
        running.wait_for(protocol.Paused)
        running.messages.clear()
        running.say(protocol.Resume())
        running.wait_for(protocol.Resumed)
        running.say(protocol.Pause())
        step = running.wait_for(protocol.Paused).step
        assert step >= 3
        for further in (1, 2):
            running.messages.clear()
            running.say(protocol.StepOnce())
            assert running.wait_for(protocol.Paused).step == step + further


def test_an_endless_loop_is_stopped(tmp_path: Path) -> None:
    with host(_script(tmp_path, "print('going')\nwhile True:\n    pass\n"), tmp_path / "run.chain") as running:
        running.wait_for(protocol.Started)
        running.say(protocol.Stop())
        running.end()
        assert running.messages[-1].reason == "stopped"


def test_a_window_that_goes_away_takes_the_script_along(tmp_path: Path) -> None:
    with host(_script(tmp_path, "while True:\n    pass\n"), tmp_path / "run.chain") as running:
        running.wait_for(protocol.Started)
        assert running.process.stdin is not None
        running.process.stdin.close()
        assert running.process.wait(120) == 130


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("raise ValueError('boom')", "ValueError: boom", 1),
        ("x = (", "SyntaxError: '(' was never closed", 1),
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'", 1),
        (None, "does not exist", 1),
    ],
)
def test_what_goes_wrong_is_told(text: str | None, error: str, code: int, tmp_path: Path) -> None:
    script = tmp_path / "missing.py" if text is None else _script(tmp_path, text)
    with host(script, tmp_path / "run.chain") as running:
        assert running.end()[0] == code
    assert error in running.wait_for(protocol.Failed).error
    assert running.messages[-1].reason == "error"


def test_exit_and_silence_are_told(tmp_path: Path) -> None:
    with host(_script(tmp_path, "import sys; sys.exit(3)"), tmp_path / "run.chain") as running:
        assert running.end()[0] == 3
    assert "never called backward()" in running.wait_for(protocol.Notice).text
    assert running.messages[-1] == protocol.Finished(3, "exit", 0, 0)


def test_the_words_of_an_exit_are_told_instead(tmp_path: Path) -> None:
    with host(_script(tmp_path, "import sys; sys.exit('no data')"), tmp_path / "run.chain") as running:
        code, printed = running.end()
    assert (code, printed) == (1, "")
    assert running.wait_for(protocol.Failed).error == "no data"
    assert not any(isinstance(message, protocol.Notice) for message in running.messages)
    assert running.messages[-1] == protocol.Finished(1, "exit", 0, 0)


def _has_steps(path: Path, count: int) -> bool:
    """Whether so many steps of equal length can be read, whole."""
    with open_recording(path) as recording:
        lengths = [step.last_event - step.first_event for step in recording.steps]
    return len(lengths) == count and lengths[-1] == lengths[-2]


def test_a_crash_leaves_what_was_committed(tmp_path: Path) -> None:
    text = LOOP.format(steps=3) + (
        "import ctypes, os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nctypes.string_at(0)\n"
    )
    path, go = tmp_path / "run.chain", tmp_path / "go"
    with host(_script(tmp_path, text), path, "--", str(go)) as running:
        running.wait_for(protocol.Started)
        deadline = time.monotonic() + 120.0
        while not _has_steps(path, 3):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        go.touch()
        code, printed = running.end()
    assert code == -signal.SIGSEGV
    assert "step 2" in printed
    assert "Segmentation fault" in printed
    recording = open_recording(tmp_path / "run.chain")
    assert not recording.complete
    assert len(recording.steps) == 3
    recording.close()


def test_large_tensors_stay_beside_what_the_window_opens(tmp_path: Path) -> None:
    with host(_script(tmp_path, LOOP.format(steps=2)), tmp_path / "run.chain") as running:
        code, _ = running.end()
    assert code == 0
    assert sorted(path.name for path in tmp_path.glob("run.chain*")) == ["run.chain", "run.chain-data"]
    with open_recording(tmp_path / "run.chain") as recording:
        assert recording.complete
        assert check(recording) == []


@pytest.mark.parametrize("attempt", range(KILLS))
def test_killed_at_any_moment_it_leaves_all_that_was_committed(attempt: int, tmp_path: Path) -> None:
    with host(_script(tmp_path, LOOP.format(steps=10**9)), tmp_path / "run.chain") as running:
        running.wait_for(protocol.Started)
        time.sleep(random.Random(attempt).uniform(0.0, 1.5))
        running.process.kill()
        running.end()
    told = max((m.events for m in running.messages if isinstance(m, protocol.Committed)), default=0)
    recording = open_recording(tmp_path / "run.chain")
    assert len(recording.timeline) >= told
    assert check(recording) == []
    recording.close()
