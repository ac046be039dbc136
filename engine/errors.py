"""What can go wrong that a user should hear about.

Every error that chainrule raises on purpose is a `ChainruleError`: its message says what is wrong and what to do.
The command line prints it after `chainrule:` and exits with `exit_code`; the window shows it in a message bar.
"""

from __future__ import annotations


class ChainruleError(Exception):
    """Base of all errors whose message is meant for the user."""

    exit_code = 1


class UsageError(ChainruleError):
    """A wrong argument, a missing file, an option that does not fit."""

    exit_code = 2


class RecordingError(ChainruleError):
    """A recording that cannot be read: not a recording, damaged, or of a newer format."""


class ScriptError(ChainruleError):
    """A script that cannot be run: it does not exist, or it cannot be parsed."""
