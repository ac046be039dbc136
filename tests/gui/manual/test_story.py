"""What the two columns say: verdicts, counts, texts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from engine.arithmetic import Comparison
from engine.manual import Line, Place, Stage, Verdict
from gui.manual import verdicts
from gui.manual.story import (
    Row,
    Story,
    all_text,
    as_text,
    counts_of,
    off_by,
    split_result,
    summary,
    tell,
    verdict_of,
)

STAGES: tuple[Stage, ...] = ("forward", "loss", "gradient", "update")
PLACES = tuple(Place(stage, event, event) for event, stage in enumerate(STAGES))


def line(place: Place, verdict: Verdict = "equal", **changes: object) -> Line:
    made = Line(place, r"\mathrm{loss}", r"(p - y)^2", r"(-4)^2", "16.0", "16.0", verdict)
    return replace(made, **changes)  # type: ignore[arg-type]


def story(*verdicts: Verdict, playhead: int = 3) -> Story:
    known = {place: line(place, verdict) for place, verdict in zip(PLACES, verdicts, strict=False)}
    return tell(PLACES, ("mul", "pow", "PowBackward0", "SGD"), known, playhead)


def test_the_story_is_a_function_of_the_playhead() -> None:
    told = story("equal", "equal", playhead=1)
    assert (told.passed, told.now) == (2, 1)
    assert [told.is_now(number) for number in range(4)] == [False, True, False, False]
    assert [verdict_of(row, passed=number < told.passed) for number, row in enumerate(told.rows)] == [
        "equal", "equal", verdicts.PENDING, verdicts.PENDING,
    ]  # fmt: skip
    assert tell(PLACES, ("",) * 4, {}, -1).now == -1


def test_lines_of_one_event_are_marked_together() -> None:
    places = (Place("gradient", 0, 0), Place("gradient", 1, 1, 0), Place("gradient", 1, 1, 1))
    told = tell(places, ("", "", ""), {}, 5)
    assert [told.is_now(number) for number in range(3)] == [False, True, True]


@pytest.mark.parametrize(
    ("told", "verdict", "text"),
    [
        (Story(), "", ""),
        (story("equal", "equal", "equal", "equal"), "equal", "4 of 4 lines equal in every digit"),
        (story("equal", "equal", playhead=1), "equal", "2 of 4 lines so far, equal in every digit"),
        (story("equal", "within_rounding", "equal", "equal"), "within_rounding",
         "4 lines: 3 equal in every digit · 1 within rounding"),
        (story("equal", "wrong", "as_recorded", "equal"), "wrong",
         "4 lines: 1 wrong · 2 equal in every digit · 1 as recorded"),
        (story("equal", "equal"), verdicts.WORKING, "4 lines: 2 equal in every digit · 2 not worked out"),
        (story("no_data", "no_data", "no_data", "no_data"), "no_data", "4 lines: 4 no data"),
        (story(playhead=-1), verdicts.PENDING, "4 lines, none of them yet"),
    ],
)  # fmt: skip
def test_the_summary_claims_no_more_than_was_worked_out(
    qapp: QApplication, told: Story, verdict: str, text: str
) -> None:
    assert summary(told) == (verdict, text)


def test_a_wrong_line_is_never_outvoted(qapp: QApplication) -> None:
    assert summary(story("wrong"))[0] == "wrong"
    assert counts_of(story("wrong"))[verdicts.WORKING] == 3


def test_rows_as_text(qapp: QApplication) -> None:
    row = Row(PLACES[1], "pow", line(PLACES[1]))
    assert as_text(row, passed=True) == "loss = (p - y)^2 = (-4)^2 = 16.0 | autograd: 16.0 | equal in every digit"
    assert as_text(row, passed=False) == "loss = (p - y)^2 | not yet"
    assert as_text(Row(PLACES[1], "pow"), passed=True) == "pow | being worked out…"
    remarked = replace(row, line=line(PLACES[1], "as_recorded", by_hand="", remark="no rule"))
    assert as_text(remarked, passed=True).endswith("| as recorded: no rule")
    text = all_text(story("equal"))
    assert text.splitlines()[0] == "Forward"
    assert [word for word in ("Loss", "Gradients", "Update") if f"\n\n{word}\n" in text] == [
        "Loss", "Gradients", "Update",
    ]  # fmt: skip


def test_results_are_taken_apart() -> None:
    assert split_result("64 × 3, norm 1.5") == ("64 × 3", "1.5")
    assert split_result("-8.0") == ("", "-8.0")
    assert split_result("[1.0, 2.0]") == ("", "[1.0, 2.0]")


def test_differences_are_told_of_lines_that_differ() -> None:
    found = Comparison(True, 3e-8, 1e-7, (), 1.0, 1.0, 1e-6)
    assert off_by(line(PLACES[0], "within_rounding", comparison=found)) == "3.0e\u22128"
    assert off_by(line(PLACES[0], "equal", comparison=found)) == ""
    assert off_by(line(PLACES[0], "as_recorded")) == ""


def test_every_verdict_has_words_and_a_sign_of_its_own(qapp: QApplication) -> None:
    every = (*verdicts.VERDICTS, verdicts.PENDING, verdicts.WORKING)
    assert len({verdicts.words(verdict) for verdict in every}) == len(every)
    assert all(verdicts.meaning(verdict) for verdict in every)
