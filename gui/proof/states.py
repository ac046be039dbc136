"""What the states of a proof are called. How they look is in `gui.proof.signs`."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from gui.proof import signs
from gui.proof.store import STATES

PENDING, CHECKING, FAILED = signs.PENDING, signs.WORKING, signs.FAILED


def words(state: str) -> str:
    """A state in a few words."""
    tr = QCoreApplication.translate
    return {
        "proved": tr("proof", "proved"),
        "finite_differences": tr("proof", "by finite differences"),
        "not_differentiable": tr("proof", "not differentiable"),
        "unknown": tr("proof", "no rule"),
        "wrong": tr("proof", "wrong"),
        "no_data": tr("proof", "no data"),
        "not_run": tr("proof", "not run"),
        PENDING: tr("proof", "not yet"),
        CHECKING: tr("proof", "checking…"),
        FAILED: tr("proof", "not checked"),
    }.get(state, state)


def meaning(state: str) -> str:
    """A state in a sentence."""
    tr = QCoreApplication.translate
    return {
        "proved": tr("proof", "Computed again by hand; every element agrees within what rounding explains."),
        "finite_differences": tr(
            "proof", "There is no rule, but the forward was run again on inputs moved a little, and that agrees."
        ),
        "not_differentiable": tr("proof", "This operation passes no gradient on, or zeros."),
        "unknown": tr("proof", "There is no rule for it: nothing is claimed."),
        "wrong": tr("proof", "What autograd recorded is not what the rule gives."),
        "no_data": tr("proof", "The tensors it takes were not recorded in full."),
        "not_run": tr("proof", "No gradient came here."),
        PENDING: tr("proof", "The playhead has not come to the backward of this node."),
        CHECKING: tr("proof", "Being computed by hand."),
        FAILED: tr("proof", "It could not be computed by hand: the reason stands beside it."),
    }.get(state, "")


def summary(counts: dict[str, int]) -> str:
    """ "130 proved · 4 no rule", the worst first."""
    order = ("wrong", *(state for state in STATES if state != "wrong"))
    return " · ".join(f"{counts[state]:,} {words(state)}" for state in order if counts.get(state))
