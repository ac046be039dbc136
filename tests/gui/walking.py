"""Walks a view forth, back and in leaps: what it shows may depend on the playhead alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from gui.session import Session

LEAPS = (19, 4, 11, 0, 23)


def assert_walking_equals_seeking(session: Session, drawn_state: Callable[[], Hashable]) -> dict[int, Hashable]:
    """The state that `drawn_state` tells at each event, the same whichever way the playhead came there."""

    def states(events: Iterable[int]) -> dict[int, Hashable]:
        seen: dict[int, Hashable] = {}
        for event in events:
            session.seek(event)
            seen[event] = drawn_state()
        return seen

    forth = states(range(session.event_count))
    assert states(reversed(range(session.event_count))) == forth
    assert states(LEAPS).items() <= forth.items()
    return forth
