"""A proof in words and facts: what is wrong and where, or how far off the largest number is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from engine.rules.verify import Check, Proof
from gui import numbers
from gui.proof.rows import element_name
from gui.tensor_views.facts import Fact

if TYPE_CHECKING:
    from engine.desk.explain import Explanation
    from gui.proof.store import Verdict

translate = QCoreApplication.translate

DIGITS = 9  # of two numbers that should be one


def place_of(check: Check) -> str:
    """Which number a check is about: "grad_input 1 [0, 3]"."""
    number = f" {check.slot}" if check.slot else ""
    name = {"grad_input": f"grad_input{number}", "sum": f"grad_output{number}", "grad": ".grad"}[check.what]
    return f"{name} {element_name(check.comparison.worst)}".strip()


def fault(proof: Proof) -> str:
    """What is wrong, with the element and both numbers; or why nothing is proved. Nothing where all is well."""
    if proof.state in ("proved", "not_differentiable"):
        return ""
    if proof.state != "wrong":
        return proof.reason
    check = next(check for check in proof.checks if not check.comparison.holds)
    found = check.comparison
    if found.reason:
        return f"{place_of(check)}: {found.reason}"
    text = translate(
        "proof", "{place}: recorded {recorded}, by hand {computed}. Rounding explains no more than {bound}."
    )
    return text.format(
        place=place_of(check),
        recorded=numbers.number(found.recorded, DIGITS),
        computed=numbers.number(found.computed, DIGITS),
        bound=numbers.number(found.bound, 2),
    )


def error_facts(explanation: Explanation, verdict: Verdict | None) -> tuple[Fact, ...]:
    """The largest errors, and the number that comes nearest to its bound."""
    proof = explanation.proof
    if not proof.checks:
        if verdict is None or verdict.state != "finite_differences":
            return ()
        return _errors(verdict.max_abs, verdict.max_rel)
    nearest = max(proof.checks, key=_use_of_bound)
    found = nearest.comparison
    apart = abs(found.recorded - found.computed)
    facts = _errors(proof.max_abs, proof.max_rel)
    if not apart > 0 or found.reason:  # equal, or no numbers at all
        return facts
    text = translate("proof", "{apart} of {bound} allowed")
    full = text.format(apart=apart, bound=found.bound)
    shown = text.format(apart=numbers.number(apart, 2), bound=numbers.number(found.bound, 2))
    return (
        *facts,
        Fact("bound", translate("proof", "Closest"), shown, full),
        Fact("where", translate("proof", "Where"), place_of(nearest)),
    )


def _errors(absolute: float, relative: float) -> tuple[Fact, ...]:
    label = translate("proof", "Error")
    if absolute == 0:
        return (Fact("max_abs", label, translate("proof", "0, equal in every digit"), "0"),)
    text = translate("proof", "{absolute}, relative {relative}")
    full = text.format(absolute=absolute, relative=relative)
    shown = text.format(absolute=numbers.number(absolute, 2), relative=numbers.number(relative, 2))
    return (Fact("max_abs", label, shown, full),)


def _use_of_bound(check: Check) -> float:
    found = check.comparison
    apart = abs(found.recorded - found.computed)
    return apart / found.bound if found.bound > 0 and apart == apart else (float("inf") if not found.holds else 0.0)
