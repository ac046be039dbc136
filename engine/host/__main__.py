"""`python -m engine.host SCRIPT --output FILE.chain`: runs a script under capture for the window.

Messages go out on standard output, commands come in on standard input, a JSON object a line. What the script itself
prints, on either of its streams, goes to standard error as it is, so that nothing is lost if the process dies.

With `--wait` instead of a script it imports torch and waits for a `run` command, so that the window need not. With
`--finite-differences FILE.chain` it checks nodes of a recording that have no rule, and sends a message for each.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from engine.errors import ChainruleError
from engine.host.protocol import Failed, Finished, Message, Prepare, Run, Stop, decode, encode
from engine.recording.model import DEFAULT_BUDGET, LEVELS


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the script's exit code."""
    options = _options(arguments)
    if options.list_models:
        from engine.host.models import classification_models

        sys.stdout.write(json.dumps(classification_models()) + "\n")
        return 0
    commands, messages = _private_streams()
    faulthandler.enable()
    send = _sender(messages)
    if options.finite_differences is not None:
        return _check(options.finite_differences, options.nodes, send)
    request = _awaited(commands) if options.wait else _request(options)
    if request is None:
        return 0
    try:
        finished = _run(request, commands, send)
    except ChainruleError as error:
        send(Failed(str(error), "", request.script, 0))
        finished = Finished(error.exit_code, "error", 0, 0)
    send(finished)
    return finished.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    usage = "python -m engine.host (--wait | SCRIPT --output FILE.chain [options] [-- ARGS of the script])"
    parser = argparse.ArgumentParser(usage=usage, description="Run a script under capture for the window.")
    parser.add_argument("script", nargs="?", type=Path, help="the script to run")
    parser.add_argument("--output", type=Path, help="the recording to write")
    parser.add_argument("--tensors", choices=LEVELS, default="full")
    parser.add_argument("--budget", type=int, default=DEFAULT_BUDGET, help="bytes of tensors that one step may take")
    parser.add_argument("--limit", type=int, help="bytes that the recording may take before it keeps only statistics")
    parser.add_argument("--pause-after", type=int, metavar="STEPS", help="stand still after so many training steps")
    parser.add_argument("--cwd", type=Path, help="the script's working directory")
    parser.add_argument("--wait", action="store_true", help="import torch, then wait for a run command")
    parser.add_argument("--finite-differences", type=Path, metavar="FILE.chain", help="check a recording's nodes")
    parser.add_argument("--nodes", type=_numbers, metavar="1,2,3", help="which nodes; else all that have no rule")
    parser.add_argument("--list-models", action="store_true", help="print torchvision's classification models")
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:split])
    options.args = given[split + 1 :]
    other = options.list_models or options.wait or options.finite_differences is not None
    if not other and (options.script is None or options.output is None):
        parser.error("a script and --output are needed")
    return options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _check(path: Path, nodes: Sequence[int] | None, send: Callable[[Message], None]) -> int:
    """Exit code 0 if every node that could be checked is proved, 1 if one is wrong; a failure is a message, too."""
    from engine.host.finite_differences import check

    try:
        results = check(path.resolve(), nodes, report=send, give_up=lambda: os._exit(1))
    except ChainruleError as error:
        send(Failed(str(error), "", str(path), 0))
        return error.exit_code
    return int(any(result.state == "wrong" for result in results))


def _request(options: argparse.Namespace) -> Run:
    return Run(
        script=str(options.script),
        arguments=tuple(options.args),
        output=str(options.output),
        tensors=options.tensors,
        budget=options.budget,
        limit=options.limit,
        pause_after=options.pause_after,
        cwd=None if options.cwd is None else str(options.cwd),
    )


def _awaited(commands: BinaryIO) -> Run | None:
    """The run command, once it comes; None if the window goes away or wants an end before."""
    from engine.host import session

    session.prepare(())
    for line in commands:
        try:
            command = decode(line)
        except ValueError:
            continue
        if isinstance(command, Run):
            return command
        if isinstance(command, Prepare):
            session.prepare(command.modules)
        elif isinstance(command, Stop):
            return None
    return None


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Our pipes, taken out of the script's way: it reads nothing, and prints to standard error."""
    commands = os.fdopen(os.dup(0), "rb", buffering=0)
    messages = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, cast(BinaryIO, messages)


def _sender(stream: BinaryIO) -> Callable[[Message], None]:
    lock = threading.Lock()
    owner = os.getpid()

    def send(message: Message) -> None:
        if os.getpid() != owner:
            return  # a forked child of the script has nothing to tell
        with lock:
            try:
                stream.write(encode(message))
            except OSError:
                return  # the window is gone; the end of its commands stops the script

    return send


def _run(request: Run, commands: BinaryIO, send: Callable[[Message], None]) -> Finished:
    from engine.host.script import read_script

    script, output = Path(request.script).resolve(), Path(request.output).resolve()
    read_script(script)
    if request.cwd is not None:
        os.chdir(request.cwd)
    from engine.host.session import run_session

    return run_session(request, script, output, commands, send)


if __name__ == "__main__":
    sys.exit(main())
