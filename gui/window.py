"""The main window: puts the parts together and gives every action of the table its function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu

from engine.errors import RecordingError
from gui import dialogs, theme
from gui.actions import PANELS, Actions, build_menus
from gui.central import Central
from gui.chart_library import library
from gui.commands import Commands
from gui.compare.commands import CompareCommands
from gui.console import Console
from gui.explore.commands import ExploreCommands
from gui.export.commands import ExportCommands
from gui.files import Copier, is_ours, is_run_file, kind_of, local_files
from gui.joined import finish_all
from gui.modules.commands import ModuleCommands
from gui.notes import Notes
from gui.panels import VERSION, Panels
from gui.proof.commands import ProofCommands
from gui.proof.verifier import Verifier
from gui.run_control import Report, RunControl
from gui.session import Session
from gui.settings import Settings
from gui.source import SourcePane
from gui.start_size import start_size
from gui.tab_order import BarNames, move_focus, parts_of
from gui.toolbar import ToolBar
from gui.transport import Transport
from gui.transport.commands import FlowCommands
from gui.turns import Turn

if TYPE_CHECKING:
    from gui.canvas.view import CanvasView

FILL_AFTER_MS = 30
READY_AFTER_MS = 150
CHARTS_AFTER_MS = 600
LOOK_AGAIN_MS = 40
SHARE_MOVING = 0.9  # of the time between two events while playing: one sees what each did before the next one
FASTEST_MOTION_MS, SLOWEST_MOTION_MS = 1, 900


class MainWindow(QMainWindow):
    """What can be seen is a function of `session`; what can be done is in `actions`.

    `keeps_host_ready`: whether a host that has imported torch waits for the next run while the window is open.
    """

    keeps_host_ready = True

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.settings = Settings()
        self.session = Session(self)
        self.actions_table = Actions(self)
        self.runs = RunControl(self.session, self)
        self.copier = Copier(self)
        self.source = SourcePane(self.session)
        self.console = Console()
        self.notes = Notes(self.session, self.console)
        self.transport = Transport(self.session, self.actions_table)
        self.verifier = Verifier(self.session, self)
        self.central = Central(self.session, self.actions_table, self.verifier)
        self.toolbar = ToolBar(self.actions_table)
        self._filled = False
        self._soon = Turn(self._refresh_or_wait, self)
        self._arguments: tuple[Path, tuple[str, ...]] = (Path(), ())
        self._lay_out()
        self.commands = Commands(self)
        self.proof_commands = ProofCommands(self)
        self.flow_commands = FlowCommands(self)
        self.export_commands = ExportCommands(self)
        self.explore_commands = ExploreCommands(self)
        self.module_commands = ModuleCommands(self)
        self.compare_commands = CompareCommands(self)
        self._connect()
        self._restore()
        self.commands.match_panels()
        self.refresh()

    # --- parts -------------------------------------------------------------------------------------------------------

    @property
    def canvas(self) -> CanvasView:
        """The graph; it is made when it is first asked for."""
        self.fill()
        return self.central.canvas

    def fill(self) -> None:
        """Make the canvas and the panels that the window's first picture did not wait for."""
        if self._filled:
            return
        self._filled = True
        from gui.charts import ChartsPanel
        from gui.inspector.panel import InspectorPanel
        from gui.parameters import ParametersPanel

        self.panels.fill(self.session)
        canvas = self.central.canvas
        canvas.set_layout(self.settings.layout)
        canvas.set_direction(self.settings.direction)
        self.flow_commands.show_leaves()
        canvas.ready.connect(self.refresh)
        self.transport.player.playing_changed.connect(canvas.set_playing)
        self.transport.scrubber.is_reading = canvas.is_reading
        self.source.is_reading = canvas.is_reading
        self.explore_commands.attach(canvas)
        inspector, parameters, charts = map(self.panels.widget, ("inspector", "parameters", "charts"))
        if isinstance(charts, ChartsPanel):
            charts.wait_until(canvas.is_at_rest)
            charts.tabs.tabBar().setAccessibleName(charts.tabs.accessibleName())
        if isinstance(parameters, ParametersPanel):
            parameters.may_read = canvas.is_ready
            self.transport.player.playing_changed.connect(parameters.set_playing)
        if isinstance(inspector, InspectorPanel):
            inspector.is_reading = canvas.is_opening
            inspector.source_requested.connect(self.show_place)
            inspector.rule.check_requested.connect(self.proof_commands.check_by_differences)
        self._on_speed(self.transport.player.speed)

    def _lay_out(self) -> None:
        BarNames(self)
        self.menus = build_menus(self.menuBar(), self.actions_table)
        self.addActions(list(self.actions_table))  # shortcuts work wherever the focus is, menus open or not
        self.addToolBar(self.toolbar)
        self.setCentralWidget(self.central)
        self.panels = Panels(self, self.source, self.console, self.transport)
        self._counts = QLabel()
        self._counts.setObjectName("counts")
        self._hint = QLabel()
        self._hint.setObjectName("status_text")
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self._hint, 1)
        self.statusBar().addPermanentWidget(self._counts)
        self.statusBar().setContentsMargins(theme.SMALL, 0, theme.MEDIUM, 0)

    def _connect(self) -> None:
        session, runs = self.session, self.runs
        session.recording_changed.connect(self._on_recording_changed)
        session.opening_changed.connect(self._on_recording_changed)
        session.recording_grew.connect(self.refresh)
        session.playhead_changed.connect(lambda _: self.commands.update())
        session.graph_changed.connect(lambda _: self._soon.start(0))
        session.selection_changed.connect(lambda _: self.commands.update())
        session.modules.current_changed.connect(lambda _: self.commands.update())
        session.follow_changed.connect(lambda _: self.commands.update())
        session.failed.connect(self.show_error)
        runs.changed.connect(self.refresh)
        runs.status_changed.connect(lambda _: self.refresh())
        runs.reported.connect(self.show_report)
        runs.script_failed.connect(lambda failed: self.console.write_error(failed.traceback or failed.error))
        runs.host.ended.connect(lambda _: self._remember_run())
        runs.host.output.connect(self.console.write)
        runs.host.remark.connect(self.console.write_remark)
        self.source.failed.connect(self.show_error)
        self.source.script_changed.connect(self.refresh)
        self.source.modified_changed.connect(lambda _: self.refresh())
        self.console.place_activated.connect(self.show_place)
        self.central.messages.place_activated.connect(self.show_place)
        self.central.welcome.file_chosen.connect(self.open_path)
        self.transport.speed_changed.connect(self._on_speed)
        self.copier.done.connect(self._on_copied)
        self.copier.failed.connect(self.show_error)
        theme.switch.changed.connect(self.actions_table.update_icons)

    # --- what is open ------------------------------------------------------------------------------------------------

    def open_path(self, path: Path, *, asked: bool = False) -> bool:
        """A script or a recording; what cannot be opened is said in the message bar. `asked`: `may_leave` agreed."""
        kind = kind_of(path)
        if not path.is_file():
            folder = self.tr("{0} is a folder. Choose a script or a recording in it.")
            missing = self.tr("{0} does not exist. Check the path; it may have been moved or deleted.")
            self.show_error((folder if path.is_dir() else missing).format(path))
            return False
        if kind == "unknown":
            text = self.tr("{0} is neither a Python script (.py) nor a recording (.chain).")
            self.show_error(text.format(path))
            return False
        if not asked and not self.may_leave():
            return False
        opened = self.open_script(path) if kind == "script" else self.open_recording(path)
        if opened:
            self.central.messages.hide()
            self.settings.add_recent(path)
            if not is_ours(path):
                self.settings.set_last_folder(path.absolute().parent)
            self.refresh()
        return opened

    def open_with_arguments(self, path: Path, arguments: Sequence[str]) -> bool:
        """Open a file; if it is a script, it is run with these arguments, whenever it is run."""
        self._arguments = (path.absolute(), tuple(arguments))
        return self.open_path(path)

    def open_script(self, path: Path) -> bool:
        """Show a script, ready to be run."""
        if not self.source.open_script(path):
            return False
        self.console.clear_all()
        self.session.close()
        self.refresh()
        self.make_ready()
        return True

    def open_recording(self, path: Path) -> bool:
        """Show a recording, and its script for editing if it is here and still the same."""
        if not self.session.open(path, self._opened, wait=False):
            return False
        self.console.clear_all()
        return True

    def _opened(self) -> None:
        with QSignalBlocker(self.source):  # all is refreshed when everyone is told of the recording
            self.source.adopt_recorded_script()

    def close_all(self) -> None:
        """Back to the welcome page."""
        if self.may_leave():
            self.session.close()
            self.source.close_script()
            self.console.clear_all()
            self.central.messages.hide()
            self.refresh()

    def run_script(self) -> None:
        """Run the opened script: once it is saved, if it was edited, and again from its start, if it is paused."""
        script = self.source.script
        if script is None or (self.runs.is_active and not self.runs.is_paused):
            return
        if self.source.modified and not (dialogs.ask_to_save_and_run(self, script.name) and self.source.save()):
            return
        if not self._stop_running():
            return
        self.central.messages.hide()
        self.console.clear_all()
        arguments = self._arguments[1] if script == self._arguments[0] else ()
        self.runs.start(script, self.toolbar.tensors, self.toolbar.record_steps, arguments)

    def make_ready(self) -> None:
        """So that the next run's first picture comes at once: let a Python with torch imported wait for it, and import
        what the picture needs in this one."""
        if self.isVisible():
            from gui.canvas.loader import warm_up

            warm_up()
            QTimer.singleShot(CHARTS_AFTER_MS, self, lambda: library.load_between(self.canvas.is_ready, self))
        if self.keeps_host_ready and self.isVisible():
            self.runs.host.make_ready(self.source.editor.toPlainText() if self.source.script is not None else "")

    def _remember_run(self) -> None:
        """The last runs can be opened again without having been saved."""
        QTimer.singleShot(READY_AFTER_MS, self.make_ready)
        if self.runs.output is not None and self.session.event_count:
            self.settings.add_recent(self.runs.output)

    def may_leave(self) -> bool:
        """Ask about an edited script and a running one before something else takes their place."""
        return self._saved_or_discarded() and self._stop_running()

    def _saved_or_discarded(self) -> bool:
        """Whether nothing is lost of the script that the user wants to keep."""
        script = self.source.script
        if script is None or not self.source.modified:
            return True
        answer = dialogs.ask_to_save(self, script.name)
        return answer == "discard" or (answer == "save" and self.source.save())

    def _stop_running(self) -> bool:
        """Whether no script runs any more: one that does is stopped, if the user agrees."""
        if not self.runs.is_active:
            return True
        name = self.runs.script.name if self.runs.script else ""
        if self.runs.host.state != "stopping" and not dialogs.ask_to_stop(self, name):
            return False
        self.runs.shut_down()
        return True

    # --- what is shown -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Title, page, status and actions follow what is open and what runs."""
        self._show_page()
        self._show_title()
        busy = self.runs.is_active and not self.runs.is_paused
        self.toolbar.show_progress(self.runs.status if self._shows_run() else "", busy=busy)
        self._counts.setText(self._counts_text())
        self.commands.update()
        self.proof_commands.update()
        self.export_commands.update()
        self.explore_commands.update()
        self.module_commands.update()

    def _refresh_or_wait(self) -> None:
        """Another graph: while a thread reads it, nothing is asked about it."""
        if self.central.has_canvas and self.canvas.is_reading():
            self._soon.start(LOOK_AGAIN_MS)
        else:
            self.refresh()

    def _shows_run(self) -> bool:
        recording = self.session.recording
        return self.runs.is_active or (recording is not None and recording.path == self.runs.output)

    def _on_recording_changed(self) -> None:
        if self.session.recording is not None or self.session.opening:
            self.fill()
        self.refresh()

    def _show_page(self) -> None:
        script = self.source.script
        if self.session.event_count or self.session.opening:
            self.central.show_canvas()
        elif self.runs.is_active:
            name = self.runs.script.name if self.runs.script else ""
            self.central.ready.show_running(name, self.runs.status)
            self.central.show_ready()
        elif self.session.recording is not None and script is None:
            self.central.show_canvas()
        elif script is not None:
            self.central.ready.show_ready(script.name, self._ready_text())
            self.central.show_ready()
        else:
            self.central.welcome.set_recent(self.settings.recent)
            self.central.show_welcome()

    def _ready_text(self) -> str:
        steps = self.toolbar.record_steps
        if steps:
            return self.tr("Press F5 to run it. It is paused after {0} training steps.").format(f"{steps:,}")
        return self.tr("Press F5 to run it to its end.")

    def _show_title(self) -> None:
        recording, script = self.session.recording, self.source.script
        name = script.name if script is not None else ""
        if recording is not None and (not name or not is_run_file(recording.path)):
            name = recording.path.name
        self.setWindowTitle(f"{name}[*] — chainrule" if name else "chainrule")
        self.setWindowModified(bool(name) and self.source.modified)  # an editor is emptied after its script is gone

    def _counts_text(self) -> str:
        recording, graph = self.session.recording, self.session.graph_id
        if recording is None or graph is None:
            return ""
        try:
            kinds = recording.node_counts(graph)
        except RecordingError as error:
            return str(error)
        nodes, parameters = sum(kinds.values()) - kinds.get("data", 0), kinds.get("parameter", 0)
        steps = len(recording.steps)
        counts = (
            self.tr("1 node") if nodes == 1 else self.tr("{0} nodes").format(f"{nodes:,}"),
            self.tr("1 parameter") if parameters == 1 else self.tr("{0} parameters").format(f"{parameters:,}"),
            self.tr("1 training step") if steps == 1 else self.tr("{0} training steps").format(f"{steps:,}"),
        )
        return " · ".join(counts)

    def show_error(self, text: str, details: str = "") -> None:
        self.central.messages.show_message("error", text, details)

    def show_note(self, text: str) -> None:
        self.central.messages.show_message("info", text)

    def show_report(self, report: Report) -> None:
        self.central.messages.show_message(report.level, report.text, report.details, report.place)

    def show_place(self, path: str, line: int) -> None:
        """A line of a file, in the source pane."""
        self.panels["source"].show()
        if not self.source.show_place(path, line):
            text = self.tr("{0}, line {1}: this file is neither open nor part of the recording.")
            self.show_error(text.format(path, line))

    def _on_copied(self, target: Path) -> None:
        self.settings.add_recent(target)
        self.show_note(self.tr("Saved as {0}").format(target))

    def _on_speed(self, events_a_second: float) -> None:
        if self.central.has_canvas:
            room = round(1000 * SHARE_MOVING / events_a_second)
            self.central.canvas.set_animation_speed(max(FASTEST_MOTION_MS, min(SLOWEST_MOTION_MS, room)))

    # --- window ------------------------------------------------------------------------------------------------------

    def _restore(self) -> None:
        remembered = self.settings.geometry()
        if remembered is None:
            self.resize(start_size(self.screen().availableSize()))
            self.panels.reset()
        else:
            self.restoreGeometry(remembered[0])
            self.panels.restore(*remembered[1:])

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.setFocus()
        QTimer.singleShot(FILL_AFTER_MS, self.fill)
        QTimer.singleShot(READY_AFTER_MS, self.make_ready)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._saved_or_discarded() or not (self.runs.is_paused or self._stop_running()):
            event.ignore()
            return
        self.settings.set_geometry(self.saveGeometry(), self.saveState(VERSION), self.panels.low)
        self.settings.sync()
        self.hide()
        self.transport.player.stop()
        self.runs.shut_down()
        self.verifier.shut_down()
        self.export_commands.wait()
        self.explore_commands.shutdown()
        self.compare_commands.shutdown()
        if self.central.has_canvas:
            self.central.canvas.shutdown()
        finish_all(self)
        self.session.close()
        event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:
        return move_focus(parts_of(self), forward=forward)

    def createPopupMenu(self) -> QMenu:
        """A right click on a bar offers the panels."""
        menu = QMenu(self)
        menu.addActions([self.actions_table[f"show_{name}"] for name in PANELS])
        return menu

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):  # what cannot be opened is said, instead of refused without a word
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = local_files(event.mimeData())
        if files:
            event.acceptProposedAction()
            chosen = next((path for path in files if kind_of(path) != "unknown"), files[0])
            # Later: whoever drags waits for the answer, and opening may ask a question.
            QTimer.singleShot(0, lambda: self.open_path(chosen))
