"""What the verdicts on the lines of the two columns are called. How they look is in `gui.proof.signs`."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from gui.proof import signs

PENDING, WORKING = signs.PENDING, signs.WORKING

VERDICTS: tuple[str, ...] = ("wrong", "equal", "within_rounding", "as_recorded", "no_data")  # the worst first


def words(verdict: str) -> str:
    """A verdict in a few words."""
    tr = QCoreApplication.translate
    return {
        "equal": tr("manual", "equal in every digit"),
        "within_rounding": tr("manual", "within rounding"),
        "wrong": tr("manual", "wrong"),
        "as_recorded": tr("manual", "as recorded"),
        "no_data": tr("manual", "no data"),
        PENDING: tr("manual", "not yet"),
        WORKING: tr("manual", "being worked out…"),
    }.get(verdict, verdict)


def meaning(verdict: str) -> str:
    """A verdict in a sentence."""
    tr = QCoreApplication.translate
    return {
        "equal": tr("manual", "Both calculations give the same number, to the last digit."),
        "within_rounding": tr(
            "manual", "The difference is no larger than what rounding explains: sums were added up in another order."
        ),
        "wrong": tr("manual", "The two differ by more than rounding explains."),
        "as_recorded": tr("manual", "Not done by hand; the recorded result is what the next lines start from."),
        "no_data": tr("manual", "What it takes was not recorded in full."),
        PENDING: tr("manual", "The playhead has not come there yet."),
        WORKING: tr("manual", "Being worked out by hand."),
    }.get(verdict, "")


def sign(verdict: str) -> str:
    """Its name in `gui.proof.signs`: two numbers that differ have a sign of their own."""
    return "unequal" if verdict == "wrong" else verdict
