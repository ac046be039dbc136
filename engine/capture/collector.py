"""Keeps the garbage collector at the pace that it has without us.

It comes when more objects have been made than let go of, and a recorded step makes some twenty for each event that live
until the writer has them, none of them in cycles. A script that had one collection a step would have seventy, and those
of the oldest generation look at everything that the script has, too.
"""

from __future__ import annotations

import gc

OBJECTS_OF_EVENT = 24


class Collector:
    """Moves the first threshold of `gc` up by what a step of recording makes; `restore` puts it back."""

    def __init__(self) -> None:
        self._theirs = self._ours = gc.get_threshold()[0]

    def expect(self, events: int) -> None:
        """The next step will have about so many. What the script sets meanwhile holds; 0 turns collection off."""
        found, *others = gc.get_threshold()
        if found != self._ours:
            self._theirs = found
        self._ours = self._theirs + OBJECTS_OF_EVENT * events if self._theirs else 0
        gc.set_threshold(self._ours, *others)

    def restore(self) -> None:
        """Leave what the script had, or has set."""
        self.expect(0)
