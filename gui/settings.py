"""What the window remembers from one start to the next."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QEvent, QSettings, QStandardPaths, QTimer

from gui.actions import DIRECTIONS, LAYOUTS, LEAVES, MOTIONS, TENSOR_LEVELS, THEMES

if TYPE_CHECKING:
    from engine.layout import Direction

ORGANIZATION = APPLICATION = "chainrule"
MOST_RECENT = 10
RECORD_STEPS = 10
SAVE_AFTER_MS = 1000  # after the last change


class Settings:
    """Typed access to QSettings. A value that makes no sense, from whatever version, is answered with the default.

    What is changed is known to all of the process at once, and is on the disk a little later.
    """

    def __init__(self) -> None:
        self._store = _Store(ORGANIZATION, APPLICATION)
        self._saving: threading.Thread | None = None
        self._soon = QTimer(self._store, singleShot=True, interval=SAVE_AFTER_MS)
        self._soon.timeout.connect(self._save)

    # --- recent files ------------------------------------------------------------------------------------------------

    @property
    def recent(self) -> list[Path]:
        """Scripts and recordings, the newest first, those that are gone, or cannot be asked about, left out."""
        stored: Any = self._store.value("recent", [])
        names = [stored] if isinstance(stored, str) else list(stored or [])
        return [Path(name) for name in names if os.path.isfile(name)][:MOST_RECENT]

    def add_recent(self, path: Path) -> None:
        path = path.absolute()
        others = [each for each in self.recent if each != path]
        self._set("recent", [str(each) for each in [path, *others][:MOST_RECENT]])

    def clear_recent(self) -> None:
        self._set("recent", [])

    # --- choices -----------------------------------------------------------------------------------------------------

    @property
    def theme(self) -> str:
        return self._one_of("theme", THEMES)

    @theme.setter
    def theme(self, choice: str) -> None:
        self._set("theme", choice)

    @property
    def tensors(self) -> str:
        return self._one_of("tensors", TENSOR_LEVELS)

    @tensors.setter
    def tensors(self, level: str) -> None:
        self._set("tensors", level)

    @property
    def layout(self) -> str:
        return self._one_of("layout", LAYOUTS)

    @layout.setter
    def layout(self, name: str) -> None:
        self._set("layout", name)

    @property
    def direction(self) -> Direction:
        stored = self._store.value("direction")
        return next((each for each in DIRECTIONS if each == stored), DIRECTIONS[0])

    @direction.setter
    def direction(self, direction: Direction) -> None:
        self._set("direction", direction)

    @property
    def leaves(self) -> str:
        """When data leaves are shown."""
        return self._one_of("leaves", LEAVES)

    @leaves.setter
    def leaves(self, choice: str) -> None:
        self._set("leaves", choice)

    @property
    def boxes(self) -> bool:
        """Whether open modules are drawn as boxes."""
        return bool(self._number("boxes", 1))

    @boxes.setter
    def boxes(self, on: bool) -> None:
        self._set("boxes", int(on))

    @property
    def motion(self) -> str:
        return self._one_of("motion", MOTIONS)

    @motion.setter
    def motion(self, choice: str) -> None:
        self._set("motion", choice)

    @property
    def record_steps(self) -> int:
        return max(0, self._number("record_steps", RECORD_STEPS))

    @record_steps.setter
    def record_steps(self, steps: int) -> None:
        self._set("record_steps", steps)

    @property
    def speed(self) -> int | None:
        """The position of the speed slider."""
        speed = self._number("speed", -1)
        return speed if speed >= 0 else None

    @speed.setter
    def speed(self, position: int) -> None:
        self._set("speed", position)

    # --- window ------------------------------------------------------------------------------------------------------

    def geometry(self) -> tuple[QByteArray, QByteArray, int] | None:
        """What `QMainWindow.restoreGeometry` and `restoreState` take, if both are there, and `Panels.low`."""
        geometry, state = self._store.value("window/geometry"), self._store.value("window/state")
        if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
            return geometry, state, max(0, self._number("window/low", 0))
        return None

    def set_geometry(self, geometry: QByteArray, state: QByteArray, low: int) -> None:
        self._set("window/geometry", geometry)
        self._set("window/state", state)
        self._set("window/low", low)

    def last_folder(self) -> str:
        return str(self._store.value("last_folder", str(Path.home())))

    def set_last_folder(self, folder: Path) -> None:
        self._set("last_folder", str(folder))

    # --- the disk ----------------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Wait until all is on the disk."""
        self._soon.stop()
        if self._saving is not None:
            self._saving.join()
        self._store.sync()

    def _set(self, key: str, value: Any) -> None:
        if self._store.value(key) != value:
            self._store.setValue(key, value)
            self._soon.start()

    def _save(self) -> None:
        self._saving = threading.Thread(target=_write, name="settings")
        self._saving.start()

    def _one_of(self, key: str, choices: tuple[str, ...]) -> str:
        stored = self._store.value(key)
        return stored if isinstance(stored, str) and stored in choices else choices[0]

    def _number(self, key: str, default: int) -> int:
        stored: Any = self._store.value(key, default)
        try:
            return int(stored)
        except (TypeError, ValueError):
            return default


class _Store(QSettings):
    """QSettings that leaves it to others when it is written: of itself it does so in the next turn of the loop, and
    waits until the disk has it, which may take a tenth of a second."""

    def event(self, event: QEvent) -> bool:
        return event.type() == QEvent.Type.UpdateRequest or super().event(event)


def _write() -> None:
    """What has changed by any QSettings of this process: they share what they know."""
    QSettings(ORGANIZATION, APPLICATION).sync()


def cache_folder(name: str) -> Path:
    """A folder of ours in the system's place for files that can be made again; it is made if it is not there."""
    base = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericCacheLocation)
    folder = Path(base) / APPLICATION / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
