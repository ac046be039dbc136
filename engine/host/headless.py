"""Records a script without a window: `main.py record SCRIPT -o FILE.chain`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.capture import kernel, torchvision_ops
from engine.capture.recorder import record as recording_into
from engine.host.script import EndOfRecording, read_script, run_script
from engine.recording.model import Level
from engine.recording.summary import first_notes
from engine.recording.writer import Writer

LARGE = 256 << 20  # bytes that take a while to be put into one file


def record(
    script: Path,
    args: Sequence[str],
    output: Path,
    *,
    steps: int | None,
    tensors: Level,
    budget: int,
    progress: Callable[[str], None],
) -> int:
    """Run `script` under capture and return its exit code; after `steps` training steps it is ended, with code 0.

    `budget` is in bytes. `progress` is told one line a step. Raises `ScriptError` if the script cannot be read,
    `RecordingError` if `output` cannot be written.
    """
    read_script(script)
    torchvision_ops.install()
    kernel.build()

    def on_step(index: int) -> None:
        progress(f"step {index + 1}: {recorder.next_event} events so far")
        if steps is not None and index + 1 >= steps:
            recorder.active = False
            raise EndOfRecording

    writers: list[Writer] = []
    with recording_into(
        output,
        tensors=tensors,
        budget=budget,
        script=str(script),
        argv=tuple(args),
        on_step=on_step,
        on_writer=writers.append,
    ) as recorder:
        outcome = run_script(script, args)
        events, count = recorder.next_event, recorder.steps
        notes = first_notes(tuple(recorder.notes.values()))
        if writers[0].bytes_aside >= LARGE:
            progress(f"putting {writers[0].bytes_aside / 2**20:,.0f} MiB of large tensors into {output}")
    if outcome.failure is not None:
        sys.stderr.write(outcome.failure.traceback)
    for note in notes:
        progress(note.text)
    progress(summary(events, count, output))
    return outcome.exit_code


def summary(events: int, steps: int, output: Path) -> str:
    """One line that says what was recorded, or why there is nothing."""
    if not events:
        if _started_processes():
            return (
                "Nothing was recorded: the script's first process never called backward(), and the others that it "
                "started are not recorded. Let the first one train as well, or alone."
            )
        return (
            "Nothing was recorded: the script never called backward(). chainrule shows what happens from there on; "
            "torch.autograd.grad counts too."
        )
    return f"{events} events of {steps} training step{'s' if steps != 1 else ''} in {output}"


def _started_processes() -> bool:
    """Whether `multiprocessing` started any: its ways to start one are imported when one is started."""
    return any(name.startswith("multiprocessing.popen_") for name in sys.modules)
