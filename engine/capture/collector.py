"""Keeps the garbage collector at the pace that it has without us.

It comes when more objects have been made than let go of, and a recorded step makes some twenty for each event that live
until the writer has them, none of them in cycles. A script that had one collection a step would have seventy, and those
of the oldest generation look at everything that the script has, too.
"""

from __future__ import annotations

import gc
from typing import ClassVar

OBJECTS_OF_EVENT = 24


class Collector:
    """Moves the first threshold of `gc` up by what a step of a recording makes; `restore` puts it back.

    What the script sets meanwhile holds; 0 turns collection off. Recordings within each other are added up.
    """

    # There is one threshold, and it is everybody's.
    _theirs: ClassVar[int] = 0
    _ours: ClassVar[int] = -1  # none that we have set
    _expected: ClassVar[dict[Collector, int]] = {}

    def expect(self, events: int) -> None:
        """The next step will have about so many."""
        self._expected[self] = events
        _apply()

    def restore(self) -> None:
        """Leave what the script had, or has set."""
        self._expected.pop(self, None)
        _apply()


def _apply() -> None:
    found, *others = gc.get_threshold()
    if found != Collector._ours:
        Collector._theirs = found
    events = sum(Collector._expected.values())
    Collector._ours = Collector._theirs + OBJECTS_OF_EVENT * events if Collector._theirs else 0
    gc.set_threshold(Collector._ours, *others)
