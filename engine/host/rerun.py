"""Runs a recorded script again until custom functions are called whose gradients are to be checked."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from engine.capture import recorder, torchvision_ops
from engine.capture.frames import read_source
from engine.errors import ChainruleError
from engine.host.script import EndOfRecording, run_script
from engine.recording.model import RecordingInfo, Source

_APPLY = torch.autograd.Function.apply.__func__.__code__  # type: ignore[attr-defined]
GRACE = 10.0  # seconds that a script has to notice that it is to end


@dataclass(frozen=True)
class Application:
    """One call of a custom function: the class and what `apply` was given."""

    function: Any
    args: tuple[Any, ...]


class RerunError(ChainruleError):
    """The script could not be run again, or ended before what was looked for was called."""


def applications(
    info: RecordingInfo,
    names: Sequence[str],
    wanted: Callable[[Application], bool],
    seconds: float,
    stuck: Callable[[], None],
) -> str:
    """Run the script of a recording; `wanted` is shown each call of a custom function whose class is among `names`.

    It ends when `wanted` returns True, when the script ends, or after `seconds`. Returns why nothing more was seen, ""
    if `wanted` had enough. `stuck` is called, in another thread, if the script does not end even when interrupted.
    """
    script = Path(info.cwd, info.script)
    enough = False

    def look(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal enough
        if event == "call" and frame.f_code is _APPLY:
            function, args = frame.f_locals["cls"], frame.f_locals["args"]
            if function.__name__ in names:
                sys.setprofile(None)
                enough = wanted(Application(function, tuple(args)))
                if enough:
                    raise EndOfRecording
                sys.setprofile(look)

    torchvision_ops.install()
    late = threading.Event()
    outcome = None
    try:
        with _in_folder(info.cwd), _without_recording(), _limited(seconds, late, stuck):
            sys.setprofile(look)
            outcome = run_script(script, info.argv)
    except KeyboardInterrupt:
        pass  # late, but just after the end of the script
    finally:
        sys.setprofile(None)
    if enough:
        return ""
    if late.is_set():
        return f"the script ran for {seconds:.0f} seconds and had not called it"
    if outcome is not None and outcome.failure is not None:
        return f"the script failed when it ran again: {outcome.failure.error}"
    return "the script ended before it was called again"


@contextmanager
def _in_folder(path: str) -> Iterator[None]:
    before = os.getcwd()
    try:
        os.chdir(path)
    except OSError as error:
        raise RerunError(f"{path}, where the script ran, is not there any more: {error.strerror}.") from error
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _without_recording() -> Iterator[None]:
    """A script that records itself must not write over its recording."""

    @contextmanager
    def record(*args: Any, **options: Any) -> Iterator[None]:
        yield

    before = recorder.record
    recorder.record = record  # type: ignore[assignment]
    try:
        yield
    finally:
        recorder.record = before


@contextmanager
def _limited(seconds: float, late: threading.Event, stuck: Callable[[], None]) -> Iterator[None]:
    """Interrupt the main thread after some seconds, and set `late`; call `stuck` if that does not help."""
    over = threading.Event()

    def watch() -> None:
        if not over.wait(seconds):
            late.set()
            _interrupt()
            if not over.wait(GRACE):
                stuck()

    thread = threading.Thread(target=watch, name="chainrule-limit", daemon=True)
    # A shell starts what runs in its background with interrupts ignored, and the script could not be ended.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGINT, before)


def _interrupt() -> None:
    """As Ctrl+C does it; where there are signals, it also ends what the main thread waits for."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


def changed(sources: Iterable[Source]) -> str:
    """Why files of the program are not those that were recorded; "" if they are."""
    for source in sources:
        path = Path(source.path)
        if not path.exists():
            return f"{path} is not there any more"
        if source.text and read_source(source.path) != source.text:
            return f"{path.name} has changed since it was recorded"
    return ""
