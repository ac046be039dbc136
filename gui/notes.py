"""The remarks that a recording holds, in the console: what was left out, and whatever else its reader should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from gui.console import Console
from gui.session import Session

if TYPE_CHECKING:
    from engine.recording.reader import Recording


class Notes(QObject):
    """Writes the first notes of the shown recording once, also those that come in while it is being recorded."""

    def __init__(self, session: Session, console: Console) -> None:
        super().__init__(console)
        self._session, self._console = session, console
        self._recording: Recording | None = None
        self._told = 0
        self._timer = QTimer(self, singleShot=True, interval=0)  # after the console was cleared for this recording
        self._timer.timeout.connect(self._tell)
        session.recording_changed.connect(self._timer.start)
        session.recording_grew.connect(self._timer.start)

    def _tell(self) -> None:
        recording = self._session.recording
        if recording is not self._recording:
            self._recording, self._told = recording, 0
        if recording is None:
            return
        from engine.recording.summary import first_notes

        notes = first_notes(recording.notes)
        for note in notes[self._told :]:
            self._console.write_remark(note.text)
        self._told = len(notes)
