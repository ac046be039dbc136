"""Proving a whole recording in another process: progress, outcome, and its end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from engine.desk.element import Element
from gui.proof import verifier as module
from gui.proof.bar import ProofBar
from gui.proof.json_process import NICENESS
from gui.proof.verifier import Verifier, differences_command, verdict_of, verify_command
from gui.session import Session
from gui.window import MainWindow

Say = Callable[..., None]


def node(number: int, state: str = "proved", **more: Any) -> dict[str, Any]:
    return {"kind": "node", "node": number, "state": state, "step": 0, "max_abs": 0.0, "max_rel": 0.0} | more


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Say:
    """In place of `main.py verify`, a process that writes these lines, and then may wait, or end with a code."""

    def install(*lines: dict[str, Any], then: str = "", name: str = "verify_command") -> None:
        text = "\n".join(json.dumps(line) for line in lines)
        code = f"import sys, time\nprint({text!r}, flush=True)\n{then}"
        monkeypatch.setattr(module, name, lambda *_: ["-S", "-c", code])

    return install


def test_the_bow_is_proved_by_the_command_line(qtbot: QtBot, session: Session) -> None:
    verifier = Verifier(session)
    bar = ProofBar(verifier)
    qtbot.addWidget(bar)
    verifier.start(0)
    assert verifier.active
    qtbot.waitUntil(lambda: verifier.complete)
    assert verifier.nodes == {"proved": 6}
    assert verifier.updates == {"proved": 2}
    assert session.proofs.counts() == {"proved": 6}
    assert bar.text == "nodes: 6 proved  —  updates: 2 proved"
    assert bar._badge.state == "proved"
    assert not bar.isHidden()


def test_progress_and_stopping(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"total": 4}, node(0), node(1), then="time.sleep(60)")
    verifier = Verifier(session)
    bar = ProofBar(verifier)
    qtbot.addWidget(bar)
    verifier.start()
    qtbot.waitUntil(lambda: bar._progress.value() == 2)
    assert bar._progress.maximum() == 4
    assert bar.text.startswith("2 of 4")
    bar._stop.click()
    assert not verifier.active
    assert not verifier.complete
    assert bar.text.startswith("stopped after 2 of 4")
    assert session.proofs.counts() == {"proved": 2}


def test_many_lines_are_told_together(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"total": 300}, *(node(number) for number in range(300)))
    verifier = Verifier(session)
    told: list[int] = []
    verifier.changed.connect(lambda: told.append(verifier.done))
    verifier.start()
    qtbot.waitUntil(lambda: verifier.complete)
    assert told[-1] == 300
    assert len(told) < 30


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="priorities are set otherwise here")
def test_the_window_comes_before_what_proves(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"total": 1}, then="time.sleep(60)")
    verifier = Verifier(session)
    verifier.start()
    qtbot.waitUntil(lambda: verifier.total == 1)
    process = verifier._process._process
    assert process is not None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, process.processId()) == max(own, NICENESS)
    verifier.cancel()


def test_what_is_wrong_comes_first(qtbot: QtBot, session: Session, says: Say) -> None:
    update = {"kind": "update", "event": 10, "state": "unproved_no_data", "max_abs": "inf", "max_rel": "nan"}
    says({"total": 4}, node(0), node(1, "wrong", reason="no"), node(2, "unproved_no_data"), update, then="sys.exit(1)")
    verifier = Verifier(session)
    bar = ProofBar(verifier)
    qtbot.addWidget(bar)
    verifier.start()
    qtbot.waitUntil(lambda: verifier.complete)
    assert bar._badge.state == "wrong"
    assert bar.text == "nodes: 1 wrong · 1 proved · 1 no data  —  updates: 1 no data"
    assert not bar._wrong.isHidden()


def test_next_wrong_goes_from_gradients_to_updates_and_back(
    qtbot: QtBot, window: MainWindow, bow: Path, says: Say
) -> None:
    session = window.session
    assert session.open(bow)
    recording = session.recording
    assert recording is not None
    event = int(recording.timeline.step_bounds(0)[1])  # the last thing of the step is an update
    wrong = next(each.id for each in recording.nodes(0) if each.type == "PowBackward0")
    update = {"kind": "update", "event": event, "step": 0, "state": "wrong", "reason": "the parameter is 3, by hand 2"}
    says({"total": 2}, node(wrong, "wrong"), update, then="sys.exit(1)")
    window.verifier.start()
    qtbot.waitUntil(lambda: window.verifier.complete)
    button = window.central.proof._wrong
    assert not button.isHidden()
    session.seek(0)
    for _ in range(2):
        button.click()
        assert session.playhead == recording.timeline.backward_event(0)[wrong]
        assert session.selection == wrong
        button.click()
        assert session.playhead == event
        assert session.selection == recording.event(event).node
        assert "by hand 2" in window.central.messages.text


def test_a_process_that_breaks_off_is_told(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"total": 4}, node(0), then="sys.exit('no such luck')")
    verifier = Verifier(session)
    with qtbot.waitSignal(verifier.failed) as signal:
        verifier.start()
    assert signal.args is not None
    assert signal.args[1] == "no such luck"


def test_what_the_command_says_is_said(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"total": 4}, then="sys.stderr.write('chainrule: run.chain does not exist.\\n'); sys.exit(2)")
    verifier = Verifier(session)
    with qtbot.waitSignal(verifier.failed) as signal:
        verifier.start()
    assert signal.args is not None
    assert signal.args[0] == "Verifying broke off: run.chain does not exist."


def test_another_recording_ends_it(qtbot: QtBot, session: Session, says: Say, bow: Path) -> None:
    says({"total": 4}, node(0), then="time.sleep(60)")
    verifier = Verifier(session)
    verifier.start()
    qtbot.waitUntil(lambda: verifier.done == 1)
    assert session.open(bow)
    assert not verifier.active
    assert (verifier.done, dict(verifier.nodes), dict(session.proofs.verdicts)) == (0, {}, {})


def test_finite_differences(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"message": "started"}, {"node": 2, "state": "agrees", "max_abs": 1e-5, "max_rel": 1e-6},
         {"node": 3, "state": "wrong", "max_abs": 1.0, "max_rel": 0.5, "reason": "off"},
         name="differences_command")  # fmt: skip
    verifier = Verifier(session)
    verifier.check_by_differences([2, 3])
    assert verifier.measuring
    qtbot.waitUntil(lambda: not verifier.measuring)
    assert session.proofs.counts() == {"finite_differences": 1, "wrong": 1}


def test_those_without_a_rule_are_checked_together(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"total": 2}, node(0), node(2, "unknown"))
    verifier = Verifier(session)
    bar = ProofBar(verifier)
    qtbot.addWidget(bar)
    verifier.start()
    qtbot.waitUntil(lambda: verifier.complete)
    assert bar.text == "nodes: 1 proved · 1 no rule"
    says({"node": 2, "state": "proved"}, name="differences_command")
    bar.show()
    bar.resize(400, bar.height())
    shown = bar.findChild(QLabel, "proof_summary")
    assert isinstance(shown, QLabel)
    assert "…" in shown.text()  # no room for all of it: that is to be seen, not cut off
    assert shown.toolTip() == bar.text
    bar._check.click()
    assert "run again" in bar.text
    qtbot.waitUntil(lambda: not verifier.measuring)
    assert bar.text == "nodes: 1 proved · 1 by finite differences"
    assert bar._check.isHidden()


def test_a_check_that_cannot_be_made_says_why(qtbot: QtBot, session: Session, says: Say) -> None:
    says({"message": "failed", "error": "the script is gone"}, then="sys.exit(2)", name="differences_command")
    verifier = Verifier(session)
    with qtbot.waitSignal(verifier.failed) as signal:
        verifier.check_by_differences([1])
    assert signal.args == ["the script is gone", ""]
    qtbot.waitUntil(lambda: not verifier.measuring)


def test_the_commands(tmp_path: Path) -> None:
    path = tmp_path / "x.chain"
    assert verify_command(path, None)[1:] == ["main.py", "verify", str(path), "--progress"]
    assert verify_command(Path("x.chain"), 3)[-2:] == ["--step", "3"]
    assert Path(verify_command(Path("x.chain"), 3)[3]).is_absolute()
    assert differences_command(path, ())[-1] == str(path)
    assert differences_command(path, [4, 5])[-2:] == ["--nodes", "4,5"]


@pytest.mark.parametrize("message", [{}, {"event": 3, "state": "proved"}, {"node": "4"}])
def test_lines_that_are_not_about_nodes(message: dict[str, Any]) -> None:
    assert verdict_of(message) is None


def test_a_state_that_is_not_known_claims_nothing() -> None:
    found = verdict_of({"node": 1, "state": "splendid", "max_abs": None})
    assert found is not None
    assert (found.state, found.max_abs) == ("unknown", 0.0)


# --- in the window ---------------------------------------------------------------------------------------------------


def trigger(window: MainWindow, actions: Sequence[str]) -> None:
    for action in actions:
        window.actions_table[action].trigger()


def test_verifying_colours_the_canvas(walked: MainWindow, qtbot: QtBot, says: Say) -> None:
    says({"total": 2}, node(0), node(1, "wrong"), then="sys.exit(1)")
    before = walked.canvas.grab().toImage()
    trigger(walked, ["verify_all"])
    assert walked.canvas.coloured_by_proof
    assert not walked.actions_table["verify_all"].isEnabled()
    qtbot.waitUntil(lambda: walked.verifier.complete)
    assert walked.actions_table["verify_all"].isEnabled()
    assert walked.canvas.grab().toImage() != before
    trigger(walked, ["color_kind"])
    walked.central.proof._wrong.click()
    assert (walked.canvas.coloured_by_proof, walked.session.selection) == (False, 1)


def test_what_is_opened_next_is_not_coloured_by_proof(walked: MainWindow, bow: Path, says: Say, qtbot: QtBot) -> None:
    says({"total": 2}, node(0))
    trigger(walked, ["color_norm", "verify_all", "verify_step"])
    qtbot.waitUntil(lambda: not walked.verifier.active)
    trigger(walked, ["verify_all"])
    assert walked.canvas.coloured_by_proof
    assert walked.open_path(bow)
    assert (walked.canvas.explorer.colors.name, walked.actions_table["color_norm"].isChecked()) == ("norm", True)
    assert not walked.canvas.coloured_by_proof


def test_proof_that_was_chosen_stays(walked: MainWindow, bow: Path, says: Say, qtbot: QtBot) -> None:
    says({"total": 2}, node(0))
    trigger(walked, ["verify_all", "color_kind", "color_proof"])
    assert walked.open_path(bow)
    assert walked.canvas.coloured_by_proof


def test_closing_the_window_ends_the_process(walked: MainWindow, qtbot: QtBot, says: Say) -> None:
    says({"total": 2}, node(0), then="time.sleep(60)")
    trigger(walked, ["verify_step"])
    qtbot.waitUntil(lambda: walked.verifier.done == 1)
    walked.close()
    assert not walked.verifier.active


def test_escape_clears_the_way_first(walked: MainWindow, qtbot: QtBot) -> None:
    session, recording = walked.session, walked.session.recording
    session.seek(session.last)
    assert recording is not None
    leaf = max(node.id for graph in recording.graphs for node in recording.nodes(graph.id) if node.name == "w")
    assert not walked.actions_table["follow_upstream"].isEnabled()
    session.select(leaf, Element("in", 0, ()))
    with qtbot.waitSignal(session.walk_changed):
        trigger(walked, ["follow_upstream"])
    picture = walked.canvas.picture()
    assert picture is not None
    assert picture.proofs is not None
    assert len(picture.proofs.way_nodes) == 5
    assert len(picture.proofs.way_edges) == 4
    trigger(walked, ["clear_selection"])
    assert (session.walk, session.selection) == (None, leaf)
    trigger(walked, ["clear_selection"])
    assert session.selection is None
