"""What each action does, and when it can do something."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QDockWidget

from gui import dialogs, theme
from gui.actions import DIRECTIONS, EXAMPLES, LAYOUTS, PANELS, TENSOR_LEVELS, THEMES
from gui.files import RECORDING_SUFFIX, example, own_script, short

if TYPE_CHECKING:
    from engine.layout import Direction
    from gui.load_model.options import ModelOptions
    from gui.window import MainWindow


class Commands(QObject):
    """Connects the table to the window; `update` enables what can do something now."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._actions = window.actions_table
        self._has_dot = shutil.which("dot") is not None
        self._connect()
        self._restore_choices()
        window.transport.player.playing_changed.connect(self._show_playing)
        window.transport.player.ran_out.connect(self._play_on)
        window.toolbar.record_steps_changed.connect(self._set_record_steps)
        window.toolbar.tensors_changed.connect(self._set_tensors)
        window.menus["file/recent"].aboutToShow.connect(self._fill_recent)

    def _connect(self) -> None:
        window, session = self._window, self._session
        functions: dict[str, Callable[[], object]] = {
            "open_script": self.choose_script,
            "open_recording": self.choose_recording,
            "load_model": self.load_model,
            "save_script": window.source.save,
            "save_recording": self.save_recording,
            "show_welcome": window.close_all,
            "quit": window.close,
            "run": window.run_script,
            "stop": window.runs.host.stop,
            "pause_run": window.runs.host.pause,
            "resume_run": window.runs.host.resume,
            "step_run": window.runs.step,
            "step_forward": self.step_forward,
            "step_back": lambda: session.seek(session.playhead - 1),
            "next_phase": lambda: self._jump("next_phase"),
            "previous_phase": lambda: self._jump("previous_phase"),
            "next_step": self.next_step,
            "previous_step": lambda: self._jump("previous_step"),
            "go_start": lambda: session.seek(0),
            "go_end": lambda: session.seek(session.last),
            "fit": lambda: window.canvas.fit(),
            "zoom_in": lambda: window.canvas.zoom_in(),
            "zoom_out": lambda: window.canvas.zoom_out(),
            "show_selection": self.show_selection,
            "clear_selection": self.clear_selection,
            "reset_panels": window.panels.reset,
            "command_palette": self.open_palette,
            "show_shortcuts": self.show_shortcuts,
            "about": self.show_about,
        }
        for name in EXAMPLES:
            functions[f"example_{name}"] = partial(window.open_path, example(name))
        for action_id, function in functions.items():
            self._actions[action_id].triggered.connect(lambda _=False, call=function: call())
        self._connect_choices()

    def _connect_choices(self) -> None:
        window, actions = self._window, self._actions
        actions["play"].triggered.connect(self.play)
        actions["follow_live"].triggered.connect(self._session.set_follow_live)
        for level in TENSOR_LEVELS:
            actions[f"tensors_{level}"].triggered.connect(partial(self._set_tensors, level))
        for name in LAYOUTS:
            actions[f"layout_{name}"].triggered.connect(partial(self._set_layout, name))
        for direction in DIRECTIONS:
            actions[f"direction_{direction}"].triggered.connect(partial(self._set_direction, direction))
        for choice in THEMES:
            actions[f"theme_{choice}"].triggered.connect(partial(self._set_theme, cast("theme.Choice", choice)))
        for name in PANELS:
            self._connect_panel(window.panels[name], actions[f"show_{name}"])

    def _connect_panel(self, dock: QDockWidget, action: QAction) -> None:
        action.triggered.connect(lambda on: self._show_panel(dock, action, on))
        dock.toggleViewAction().toggled.connect(action.setChecked)

    def match_panels(self) -> None:
        """The actions say which panels are open. Qt tells of changes only, not of how the panels were put up."""
        for name in PANELS:
            self._actions[f"show_{name}"].setChecked(not self._window.panels[name].isHidden())

    def _show_panel(self, dock: QDockWidget, action: QAction, on: bool) -> None:
        """A panel whose tab stands behind another's is shown, not put away."""
        behind = bool(self._window.tabifiedDockWidgets(dock)) and dock.visibleRegion().isEmpty()
        dock.setVisible(on or behind)
        action.setChecked(on or behind)
        if on or behind:
            dock.raise_()

    def _restore_choices(self) -> None:
        settings = self._window.settings
        self._set_tensors(settings.tensors)
        self._actions[f"layout_{settings.layout}"].setChecked(True)
        self._actions[f"direction_{settings.direction}"].setChecked(True)
        self._actions[f"theme_{settings.theme}"].setChecked(True)
        self._window.toolbar.set_record_steps(settings.record_steps)
        if settings.speed is not None:
            self._window.transport.set_speed_position(settings.speed)
        self._window.transport.speed_chosen.connect(self._remember_speed)

    # --- when it can do something ------------------------------------------------------------------------------------

    def update(self) -> None:
        self._update_files()
        self._update_run()
        self._update_walk()
        self._update_view()

    def _update_files(self) -> None:
        window, enable = self._window, self._actions.set_enabled
        nothing = self.tr("No recording is open.")
        enable("save_recording", self._session.recording is not None, nothing)
        enable("save_script", window.source.modified, self.tr("The script has not been edited."))
        something = self._session.recording is not None or window.source.script is not None
        enable("show_welcome", something, self.tr("It is shown already."))

    def _update_run(self) -> None:
        runs, enable = self._window.runs, self._actions.set_enabled
        script = self._window.source.script
        reason = self.tr("A script is running already.") if runs.is_active else self.tr("Open a script first.")
        enable("run", script is not None and (not runs.is_active or runs.is_paused), reason)
        idle = self.tr("No script is running.")
        enable("stop", runs.host.state in ("starting", "running", "paused"), idle)
        enable("pause_run", runs.host.state == "running", idle)
        not_paused = self.tr("No script is paused.")
        enable("resume_run", runs.is_paused, not_paused)
        enable("step_run", runs.is_paused, not_paused)
        self._actions["follow_live"].setChecked(self._session.follow_live)

    def _update_walk(self) -> None:
        enable, playhead, last = self._actions.set_enabled, self._session.playhead, self._session.last
        nothing, at_end = self.tr("Nothing is recorded yet."), self.tr("This is the last event.")
        at_start = self.tr("This is the first event.")
        can_grow = self._window.runs.is_paused
        forward, back = playhead < last or (can_grow and last >= 0), playhead > 0
        for action_id in ("step_forward", "next_step"):
            enable(action_id, forward, at_end if last >= 0 else nothing)
        for action_id in ("next_phase", "go_end"):
            enable(action_id, playhead < last, at_end if last >= 0 else nothing)
        for action_id in ("step_back", "previous_phase", "previous_step", "go_start"):
            enable(action_id, back, at_start if last >= 0 else nothing)
        enable("play", last >= 0, nothing)

    def _update_view(self) -> None:
        enable, shown = self._actions.set_enabled, self._session.graph_id is not None
        nothing = self.tr("No graph is shown.")
        for action_id in ("fit", "zoom_in", "zoom_out", "data_leaves"):
            enable(action_id, shown, nothing)
        unselected = self.tr("No node is selected.")
        selected = self._session.selection is not None
        enable("show_selection", selected, unselected)
        selected = selected or bool(self._session.modules.current)
        enable("clear_selection", selected or bool(self._session.marked or self._session.walk), unselected)
        enable("layout_dot", self._has_dot, self.tr("Graphviz is not installed."))
        if self._window.central.has_canvas:
            self._actions["data_leaves"].setChecked(self._window.central.canvas.data_leaves)

    # --- files -------------------------------------------------------------------------------------------------------

    def choose_script(self) -> None:
        self._choose(self.tr("Open script"), self.tr("Python scripts (*.py *.pyw);;All files (*)"))

    def choose_recording(self) -> None:
        self._choose(self.tr("Open recording"), self.tr("Recordings (*.chain);;All files (*)"))

    def _choose(self, title: str, kinds: str) -> None:
        path = dialogs.open_file(self._window, title, self._window.settings.last_folder(), kinds)
        if path is not None:
            self._window.open_path(path)

    def save_recording(self) -> None:
        recording = self._session.recording
        if recording is None:
            return
        name = Path(recording.info.script or "recording").with_suffix(RECORDING_SUFFIX).name
        suggestion = str(Path(self._window.settings.last_folder()) / name)
        kinds = self.tr("Recordings (*.chain)")
        target = dialogs.save_file(self._window, self.tr("Save recording"), suggestion, kinds)
        if target is None:
            return
        if target.suffix.lower() != RECORDING_SUFFIX:  # "lr0.01" has no ending, either
            target = target.with_name(f"{target.name}{RECORDING_SUFFIX}")  # of which the file dialog knew nothing
            if target.exists() and not dialogs.ask_to_replace(self._window, target.name):
                return
        if os.path.realpath(target) == os.path.realpath(recording.path):
            self._window.show_error(self.tr("{0} is this recording itself; choose another name.").format(target))
        else:
            self._window.show_note(self.tr("Saving as {0}…").format(target))  # a gigabyte takes some seconds
            self._window.copier.copy(recording.path, target)

    def load_model(self) -> None:
        from gui.load_model.dialog import LoadModelDialog
        from gui.load_model.models import ModelList

        dialog = LoadModelDialog(ModelList(self._window), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.run_model)
        dialog.open()

    def run_model(self, options: ModelOptions) -> None:
        """Write the script, open it and run it."""
        from gui.load_model.script import generate

        if not self._window.may_leave():
            return
        try:
            path = own_script(options.model, generate(options))
        except OSError as error:
            self._window.show_error(self.tr("The script cannot be written: {0}").format(error))
            return
        if self._window.open_path(path, asked=True):
            self._window.run_script()

    def _fill_recent(self) -> None:
        menu = self._window.menus["file/recent"]
        menu.clear()
        for path in self._window.settings.recent:
            words = f"{path.name}\t{short(path.parent)}"  # the folder stands where other entries have their keys
            menu.addAction(words.replace("&", "&&")).triggered.connect(partial(self._window.open_path, path))
        if menu.isEmpty():
            menu.addAction(self.tr("Nothing yet")).setEnabled(False)
            return
        menu.addSeparator()
        menu.addAction(self.tr("&Clear this list")).triggered.connect(self._clear_recent)

    def _clear_recent(self) -> None:
        self._window.settings.clear_recent()
        self._window.refresh()

    # --- walking -----------------------------------------------------------------------------------------------------

    def step_forward(self) -> None:
        """To the next event; past the last one of a paused script, which is let run one more training step."""
        if self._session.playhead >= self._session.last and self._window.runs.is_paused:
            self._window.runs.step()
        else:
            self._session.seek(self._session.playhead + 1)

    def next_step(self) -> None:
        recording, playhead = self._session.recording, self._session.playhead
        if recording is None or playhead < 0:
            return
        target = recording.timeline.next_step(playhead)
        in_last = int(recording.timeline.step[playhead]) == int(recording.timeline.step[target])
        if in_last and self._window.runs.is_paused:
            self._window.runs.step()
        else:
            self._session.seek(target)

    def _jump(self, question: str) -> None:
        """To the answer of one of the timeline's questions."""
        recording, playhead = self._session.recording, self._session.playhead
        if recording is not None and playhead >= 0:
            self._session.seek(getattr(recording.timeline, question)(playhead))

    def play(self, on: bool) -> None:
        player = self._window.transport.player
        if not on:
            player.stop()
            return
        if self._session.playhead >= self._session.last and not self._window.runs.is_active:
            self._session.seek(0)
        player.play()
        self._show_playing(player.is_playing)

    def _play_on(self) -> None:
        """The playhead has reached the end: wait for what a running script adds, else stop."""
        if self._window.runs.host.state != "running":
            self._window.transport.player.stop()

    def _show_playing(self, playing: bool) -> None:
        self._actions["play"].setChecked(playing)
        if playing:
            self._actions.set_face("play", self.tr("Pause"), "pause")
        else:
            self._actions.set_face("play", self.tr("Play"), "play")

    # --- choices -----------------------------------------------------------------------------------------------------

    def _set_record_steps(self, steps: int) -> None:
        self._window.settings.record_steps = steps
        self._window.refresh()

    def _set_tensors(self, level: str, _checked: bool = True) -> None:
        self._window.settings.tensors = level
        self._actions[f"tensors_{level}"].setChecked(True)
        if self._window.toolbar.tensors != level:
            self._window.toolbar.set_tensors(level)

    def _set_layout(self, name: str, _checked: bool = True) -> None:
        self._window.settings.layout = name
        self._window.canvas.set_layout(name)

    def _set_direction(self, direction: Direction, _checked: bool = True) -> None:
        self._window.settings.direction = direction
        self._window.canvas.set_direction(direction)

    def _set_theme(self, choice: theme.Choice, _checked: bool = True) -> None:
        self._window.settings.theme = choice
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, choice)

    def _remember_speed(self, position: int) -> None:
        self._window.settings.speed = position

    # --- finding and help --------------------------------------------------------------------------------------------

    def show_selection(self) -> None:
        if self._session.selection is not None:
            self._window.canvas.fly_to(self._session.selection)

    def clear_selection(self) -> None:
        """First the marks, then the way upstream, then the node."""
        if self._window.central.has_canvas and self._window.canvas.explorer.take_picked(None):
            return
        if self._session.marked:
            self._session.mark(())
        elif self._session.walk is not None:
            self._session.show_walk(None)
        else:
            self._session.select(None)
            self._session.mark(())  # with them goes the module that one looks at

    def go_to_node(self, node: int) -> None:
        self._session.select(node)
        self._window.canvas.fly_to(node)

    def open_palette(self) -> None:
        from gui.palette import Palette, action_entries, node_entries

        entries = action_entries(self._actions)
        recording, graph = self._session.recording, self._session.graph_id
        if recording is not None and graph is not None:
            entries += node_entries(recording.nodes(graph), self.go_to_node)
        palette = Palette(self._window)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.open_with(entries, self._window)

    def show_shortcuts(self) -> None:
        from gui.help import ShortcutsDialog

        dialog = ShortcutsDialog(self._actions, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_about(self) -> None:
        from gui.help import AboutDialog

        dialog = AboutDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
