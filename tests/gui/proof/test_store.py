"""What is known of nodes, and when others are told."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.proof.store import ProofStore, Verdict


def test_many_proofs_are_told_at_once(qapp: QApplication, qtbot: QtBot) -> None:
    store = ProofStore()
    told: list[int] = []
    store.changed.connect(lambda: told.append(len(store.verdicts)))
    with qtbot.waitSignal(store.changed):
        for node in range(10):
            store.add([Verdict(node, "proved")])
    assert told == [10]
    assert store.version == 10
    assert store.counts() == {"proved": 10}


def test_what_is_known_already_is_no_news(qapp: QApplication) -> None:
    store = ProofStore()
    store.add([Verdict(1, "proved")])
    store.tell()
    store.add([Verdict(1, "proved")])
    assert store.version == 1
    store.add([Verdict(1, "wrong")])
    assert store.version == 2
    store.clear()
    assert store.get(1) is None


def test_no_rule_does_not_undo_a_check_by_differences(qapp: QApplication) -> None:
    store = ProofStore()
    store.add([Verdict(1, "finite_differences")])
    store.add([Verdict(1, "unknown")])
    found = store.get(1)
    assert found is not None
    assert found.state == "finite_differences"
    store.add([Verdict(1, "proved")])
    assert store.counts() == {"proved": 1}
    store.clear()
