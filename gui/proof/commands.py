"""What the actions of the Proof menu do, and when they can do something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.actions import COLORS

if TYPE_CHECKING:
    from gui.window import MainWindow


class ProofCommands(QObject):
    """Connects the table's actions on proofs to the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session, self._actions = window, window.session, window.actions_table
        self._verifier = window.verifier
        self._color_before = ""  # what nodes were filled by when a Verify chose their proof
        actions, verifier = self._actions, self._verifier
        actions["verify_all"].triggered.connect(lambda: self.verify())
        actions["verify_step"].triggered.connect(lambda: self.verify(here=True))
        actions["verify_stop"].triggered.connect(lambda: verifier.cancel())
        actions["follow_upstream"].triggered.connect(lambda: self.follow_upstream())
        actions["clear_way"].triggered.connect(lambda: self._session.show_walk(None))
        verifier.changed.connect(self.update)
        verifier.failed.connect(window.show_error)
        window.central.proof.next_wrong.connect(self.go_to_next_wrong)
        for name in COLORS:
            actions[f"color_{name}"].triggered.connect(self._color_chosen)
        self._session.recording_changed.connect(self._give_color_back)
        self._session.walk_changed.connect(self._on_walk)
        self._session.element_changed.connect(lambda _: self.update())
        self._session.selection_changed.connect(lambda _: self.update())

    def update(self) -> None:
        """Enable what can do something now."""
        enable, session = self._actions.set_enabled, self._session
        busy = self._verifier.active or self._verifier.measuring
        nothing = self.tr("Nothing is recorded yet.")
        reason = self.tr("It is being verified already.") if session.event_count else nothing
        for action_id in ("verify_all", "verify_step"):
            enable(action_id, session.event_count > 0 and not self._verifier.active, reason)
        enable("verify_stop", busy, self.tr("Nothing is being verified."))
        no_element = self.tr("Choose a number of a gradient first: click it in the inspector.")
        enable("follow_upstream", session.element is not None, no_element)
        enable("clear_way", session.walk is not None, self.tr("No way is marked."))

    def verify(self, *, here: bool = False) -> None:
        """Prove the recording, or the training step at the playhead, and show how nodes come out."""
        recording, step = self._session.recording, None
        if recording is None or self._verifier.active:
            return
        if here:
            step = int(recording.timeline.step[max(self._session.playhead, 0)])
        self._color_before = self._color_before or self._window.canvas.explorer.colors.name
        self._window.explore_commands.color_by("proof")
        self._verifier.start(step)

    def _color_chosen(self) -> None:
        self._color_before = ""

    def _give_color_back(self) -> None:
        """Nothing of another recording has been proved: nodes are filled as they were before Verify."""
        before, self._color_before = self._color_before, ""
        if before:
            self._window.explore_commands.color_by(before)

    def check_by_differences(self, node: int) -> None:
        self._verifier.check_by_differences([node])

    def follow_upstream(self) -> None:
        from gui.inspector.panel import InspectorPanel

        inspector = self._window.panels.widget("inspector")
        if isinstance(inspector, InspectorPanel):
            inspector.rule.follow_upstream()

    def go_to_next_wrong(self) -> None:
        """Stand at the next event after the playhead of which something came out wrong, and select its node."""
        session, recording = self._window.session, self._window.session.recording
        if recording is None:
            return
        stops: dict[int, int | None] = {event: recording.event(event).node for event in self._verifier.wrong_updates}
        for node, verdict in session.proofs.verdicts.items():
            if verdict.state == "wrong":
                row, line = recording.node(node), recording.timeline
                events = (line.accumulate_event if row.kind == "parameter" else line.backward_event)(row.graph)
                if node in events:
                    stops[events[node]] = node
        if not stops:
            return
        event = min((each for each in stops if each > session.playhead), default=min(stops))
        selected = stops[event]
        session.seek(event)
        if selected is not None:
            self._window.commands.go_to_node(selected)
        if event in self._verifier.wrong_updates:
            text = self.tr("This update is wrong: {0}").format(self._verifier.wrong_updates[event])
            self._window.show_error(text)

    def _on_walk(self) -> None:
        self.update()
        self._window.commands.update()
