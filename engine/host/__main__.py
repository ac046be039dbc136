"""`python -m engine.host SCRIPT --output FILE.chain`: runs a script under capture for the window.

Messages go out on standard output, commands come in on standard input, a JSON object a line. What the script itself
prints, on either of its streams, goes to standard error as it is, so that nothing is lost if the process dies.
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
from engine.host.protocol import Failed, Finished, Message, encode
from engine.recording.model import LEVELS, Level


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
    try:
        return _run(options, commands, send)
    except ChainruleError as error:
        send(Failed(str(error), "", str(options.script), 0))
        send(Finished(error.exit_code, "error", 0, 0))
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    usage = "python -m engine.host SCRIPT --output FILE.chain [options] [-- ARGS of the script]"
    parser = argparse.ArgumentParser(usage=usage, description="Run a script under capture for the window.")
    parser.add_argument("script", nargs="?", type=Path, help="the script to run")
    parser.add_argument("--output", type=Path, help="the recording to write")
    parser.add_argument("--tensors", choices=LEVELS, default="full")
    parser.add_argument("--budget", type=int, default=256 * 2**20, help="bytes of tensors that one step may take")
    parser.add_argument("--pause-after", type=int, metavar="STEPS", help="stand still after so many training steps")
    parser.add_argument("--cwd", type=Path, help="the script's working directory")
    parser.add_argument("--list-models", action="store_true", help="print torchvision's classification models")
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:split])
    options.args = given[split + 1 :]
    if not options.list_models and (options.script is None or options.output is None):
        parser.error("a script and --output are needed")
    return options


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Our pipes, taken out of the script's way: it reads nothing, and prints to standard error."""
    commands = os.fdopen(os.dup(0), "rb")
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


def _run(options: argparse.Namespace, commands: BinaryIO, send: Callable[[Message], None]) -> int:
    script, output = options.script.resolve(), options.output.resolve()
    from engine.host.script import read_script

    read_script(script)
    if options.cwd is not None:
        os.chdir(options.cwd)
    from engine.host.session import run_session

    level: Level = options.tensors
    finished, code = run_session(
        script, options.args, output, level, options.budget, options.pause_after, commands, send
    )
    send(finished)
    return code


if __name__ == "__main__":
    sys.exit(main())
