"""`python -m engine.desk`: requests on standard input, answers on standard output. Ends when its input does."""

from __future__ import annotations

import os
import sys

from engine.desk.serve import Server

NICENESS = 5  # the window comes first


def main() -> int:
    """What a library prints does not get between the answers."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    Server().serve(sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
