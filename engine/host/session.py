"""One run of a script for the window, from its first message to the one before the last."""

from __future__ import annotations

import importlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import torch

from engine.capture import kernel, torchvision_ops
from engine.capture.recorder import Recorder, record
from engine.errors import UsageError
from engine.host.control import Control
from engine.host.headless import summary
from engine.host.protocol import PREPARED, Committed, Failed, Finished, Message, Notice, Run, Started
from engine.host.script import EndOfRecording, Failure, Outcome, run_script
from engine.recording.model import LEVELS, Level
from engine.recording.writer import Writer

_REPORT_SECONDS = 0.05


def prepare(modules: Sequence[str]) -> None:
    """Import what the script to come will import, as far as it is known to take long.

    `torch._dynamo` takes as long as torch itself, and the first optimizer that is made imports it.
    """
    torchvision_ops.install()
    kernel.build()
    for name in ("torch._dynamo", *PREPARED.intersection(modules)):
        with suppress(Exception):  # the script's own import will say what is wrong
            importlib.import_module(name)


def run_session(
    request: Run, script: Path, output: Path, commands: BinaryIO, send: Callable[[Message], None]
) -> Finished:
    """Run `script` under capture, telling the window how it goes; returns the last message."""
    if request.tensors not in LEVELS:
        raise UsageError(f"tensors={request.tensors!r} is none of {', '.join(LEVELS)}.")
    level: Level = request.tensors
    arguments = request.arguments
    torchvision_ops.install()
    kernel.build()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a stop interrupts the script, and nothing else
    control = Control(commands, send, request.pause_after)
    writers: list[Writer] = []

    def on_step(index: int) -> None:
        writers[0].flush()
        control.between_steps(index)

    with record(
        output,
        tensors=level,
        budget=request.budget,
        limit=request.limit,
        script=str(script),
        argv=arguments,
        on_step=on_step,
        on_writer=writers.append,
        one_file=False,  # that takes a second for each gigabyte: the window does it when the recording is saved
    ) as recorder:
        send(Started(str(output), str(torch.__version__), os.getpid()))
        control.start()
        with _reporting(writers[0], recorder, send):
            outcome = _outcome(script, arguments, control)
    return _told(outcome, recorder, output, send)


def _outcome(script: Path, arguments: Sequence[str], control: Control) -> Outcome:
    """How the script ended. A stop interrupts it wherever it is, even just after its end."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if control.is_stopping():
            raise EndOfRecording
        outcome = run_script(script, arguments)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except (KeyboardInterrupt, EndOfRecording):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return Outcome(130, "stopped")
    if control.is_stopping() and outcome.reason != "completed":
        return Outcome(130, "stopped")
    return outcome


@contextmanager
def _reporting(writer: Writer, recorder: Recorder, send: Callable[[Message], None]) -> Iterator[None]:
    """Tells the window how much can be read, as often as it can draw it."""
    done = threading.Event()

    def report() -> None:
        told = 0
        while not done.wait(_REPORT_SECONDS):
            committed = writer.committed_events
            if committed != told:
                told = committed
                send(Committed(committed, recorder.steps))

    thread = threading.Thread(target=report, name="chainrule-reports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _told(outcome: Outcome, recorder: Recorder, output: Path, send: Callable[[Message], None]) -> Finished:
    """Tell what remains to be told, now that the recording is closed."""
    events, steps = recorder.next_event, recorder.steps
    send(Committed(events, steps))
    if outcome.failure is not None:
        failure: Failure = outcome.failure
        send(Failed(failure.error, failure.traceback, failure.file, failure.line))
    elif not events and outcome.reason in ("completed", "exit"):
        send(Notice(summary(events, steps, output)))
    return Finished(outcome.exit_code, outcome.reason, events, steps)
