"""What the actions on speed, motion and data leaves do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui import theme
from gui.actions import LEAVES, MOTIONS

if TYPE_CHECKING:
    from gui.window import MainWindow

SPEED_STEP = 10  # of the slider, for a key

_SHOWN: dict[str, bool | None] = {"auto": None, "always": True, "never": False}
_REDUCED: dict[str, bool | None] = {"system": None, "full": False, "reduced": True}


class FlowCommands(QObject):
    """Connects the table's actions on what flows to the window, and restores what was chosen."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._actions = window, window.actions_table
        actions = self._actions
        actions["slower"].triggered.connect(lambda: self.change_speed(-SPEED_STEP))
        actions["faster"].triggered.connect(lambda: self.change_speed(SPEED_STEP))
        actions["data_leaves"].triggered.connect(lambda on: self.choose_leaves("always" if on else "never"))
        for choice in LEAVES:
            actions[f"leaves_{choice}"].triggered.connect(partial(self._chosen_leaves, choice))
        for choice in MOTIONS:
            actions[f"motion_{choice}"].triggered.connect(partial(self._chosen_motion, choice))
        self._set_motion(window.settings.motion)
        actions[f"leaves_{window.settings.leaves}"].setChecked(True)

    def change_speed(self, steps: int) -> None:
        transport = self._window.transport
        transport.set_speed_position(transport.speed_position + steps)

    def choose_leaves(self, choice: str) -> None:
        """Show data leaves in small graphs ("auto"), "always" or "never", now and from now on."""
        self._window.settings.leaves = choice
        self._actions[f"leaves_{choice}"].setChecked(True)
        self.show_leaves()

    def show_leaves(self) -> None:
        """As it was chosen."""
        self._window.canvas.set_data_leaves(_SHOWN[self._window.settings.leaves])

    def choose_motion(self, choice: str) -> None:
        """As the "system" says, "full" or "reduced"."""
        self._window.settings.motion = choice
        self._set_motion(choice)

    def _set_motion(self, choice: str) -> None:
        self._actions[f"motion_{choice}"].setChecked(True)
        theme.set_reduced_motion(_REDUCED[choice])

    def _chosen_leaves(self, choice: str, _checked: bool = True) -> None:
        self.choose_leaves(choice)

    def _chosen_motion(self, choice: str, _checked: bool = True) -> None:
        self.choose_motion(choice)
