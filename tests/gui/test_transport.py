"""The transport: scrubber, player, words, loss line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSlider, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.actions import Actions
from gui.session import Session
from gui.transport import Transport, ticks
from gui.transport.panel import WORDS_LEAST
from gui.transport.player import Player, events_per_second
from gui.transport.scrubber import LABEL_HEIGHT, Scrubber
from gui.transport.words import describe
from gui.window import MainWindow
from tests.recordings import make_chain


@pytest.fixture
def transport(session: Session, qtbot: QtBot) -> Iterator[Transport]:
    owner = QObject()
    made = Transport(session, Actions(owner))
    qtbot.addWidget(made)
    made.resize(800, made.sizeHint().height())
    made.show()
    yield made
    made.player.stop()


# --- ticks -----------------------------------------------------------------------------------------------------------


@given(arrays(np.float64, st.integers(0, 50), elements=st.floats(width=64)))
def test_heights_lie_between_nothing_and_all(norms: np.ndarray) -> None:
    heights = ticks.heights(norms)
    assert len(heights) == len(norms)
    assert ((heights > 0) & (heights <= 1)).all()


def test_heights_are_logarithmic_and_absent_gradients_shortest() -> None:
    heights = ticks.heights(np.array([1e-4, 1e-2, 1.0, np.nan, 0.0, np.inf]))
    assert heights[0] == ticks.SMALLEST
    assert heights[2] == 1.0
    assert heights[1] == pytest.approx((heights[0] + heights[2]) / 2)
    assert (heights[3:] == ticks.SHORTEST).all()


def test_bars_stand_on_the_ground() -> None:
    shown = ticks.bars(np.array([0.0, 0.5, 1.0]), 8)
    assert shown.sum(axis=0).tolist() == [1, 4, 8]
    assert shown[-1].all()
    assert (np.diff(shown.astype(int), axis=0) >= 0).all()


def test_gradients_of_like_size_have_ticks_of_like_height() -> None:
    eight, sixteen = ticks.heights(np.array([8.0, 16.0]))
    assert sixteen == 1.0
    assert eight > 0.9
    assert ticks.heights(np.array([3.0, 3.0])).tolist() == [1.0, 1.0]


@given(st.integers(1, 40), st.data())
def test_columns_keep_every_peak(width: int, data: st.DataObject) -> None:
    values = np.array(data.draw(st.lists(st.floats(0, 1), min_size=width, max_size=200)))
    shown = ticks.columns(values, width)
    assert len(shown) == width
    assert shown.max() == values.max()


# --- words -----------------------------------------------------------------------------------------------------------


def test_events_are_described(session: Session) -> None:
    recording = session.recording
    assert recording is not None
    words = [describe(recording, event) for event in range(12)]
    assert words[0] == "mul"
    assert any(text == "PowBackward0 of loss" for text in words)
    assert any(text == "gradient of w arrives" for text in words)
    assert any(text == "SGD updates b" for text in words)


# --- strip -----------------------------------------------------------------------------------------------------------


def test_the_strip_tells_step_phase_and_event(transport: Transport, session: Session) -> None:
    session.seek(session.last)
    step, of, phase, words, *_ = transport.drawn_state()
    assert (step, of, phase, words) == (3, "of 3", "update", "SGD updates b")


def test_typing_a_step_goes_to_its_first_event(transport: Transport, session: Session) -> None:
    box = transport.findChild(QSpinBox, "step_number")
    assert box is not None
    box.setValue(2)
    recording = session.recording
    assert recording is not None
    assert session.playhead == recording.steps[1].first_event


def test_without_a_recording_the_strip_is_empty(transport: Transport, session: Session) -> None:
    session.close()
    assert transport.drawn_state()[:4] == (0, "of 0", "", "")
    transport.grab()


# --- scrubber --------------------------------------------------------------------------------------------------------


def test_more_events_than_pixels_have_a_tick_in_each_column(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    assert session.open(make_chain(tmp_path / "long.chain", nodes=800, steps=1))
    scrubber = Scrubber(session)
    qtbot.addWidget(scrubber)
    scrubber.resize(300, scrubber.sizeHint().height())
    image = scrubber.grab().toImage()
    for phase, first, last in scrubber.spans()[:2]:
        left, right = scrubber.x_of(first - 0.5), scrubber.x_of(last + 0.5)
        assert last - first > right - left
        colors = [image.pixelColor(x, scrubber.height() - 5).name() for x in range(round(left) + 6, round(right) - 4)]
        assert set(colors) == {theme.current().phase(phase).name()}
    session.close()


def test_each_event_is_found_where_it_is_drawn(transport: Transport, session: Session) -> None:
    scrubber = transport.scrubber
    session.seek(15)
    first, last = scrubber.bounds or (0, 0)
    for event in range(first, last + 1):
        assert scrubber.event_at(scrubber.x_of(event)) == event
    assert scrubber.event_at(-100.0) == first
    assert scrubber.event_at(1e6) == last


def test_click_and_drag_seek(transport: Transport, session: Session, qtbot: QtBot) -> None:
    scrubber = transport.scrubber
    QTest.mousePress(scrubber, Qt.MouseButton.LeftButton, pos=QPoint(round(scrubber.x_of(7)), 30))
    assert session.playhead == 7
    QTest.mouseRelease(scrubber, Qt.MouseButton.LeftButton)


def test_the_wheel_steps(transport: Transport, session: Session) -> None:
    scrubber = transport.scrubber
    session.seek(5)
    QApplication.sendEvent(scrubber, _wheel(-120))
    assert session.playhead == 6
    QApplication.sendEvent(scrubber, _wheel(60))
    assert session.playhead == 6
    QApplication.sendEvent(scrubber, _wheel(60))
    assert session.playhead == 5


def _wheel(turn: int) -> QWheelEvent:
    nothing = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    return QWheelEvent(QPointF(9, 30), QPointF(9, 30), QPoint(), QPoint(0, turn), *nothing, False)


def test_phases_are_painted_in_their_colours_and_the_playhead_moves(transport: Transport, session: Session) -> None:
    scrubber = transport.scrubber
    session.seek(0)
    before = scrubber.grab().toImage()
    for phase, first, last in scrubber.spans():
        ground = theme.blend(theme.current().surface, theme.current().phase(phase), 0.18)
        x = round((scrubber.x_of(first - 0.5) + scrubber.x_of(last + 0.5)) / 2)
        row = [before.pixelColor(x + shift, LABEL_HEIGHT + 6).name() for shift in range(-8, 9)]
        assert QColor(ground).name() in row, phase
    session.seek(9)
    assert scrubber.grab().toImage() != before


def test_a_step_of_more_events_than_pixels_is_drawn(qapp: QApplication, tmp_path: Path, qtbot: QtBot) -> None:
    session = Session()
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=3000), wait=True)
    scrubber = Scrubber(session)
    qtbot.addWidget(scrubber)
    scrubber.resize(400, scrubber.sizeHint().height())
    image = scrubber.grab().toImage()
    backward = theme.current().backward.name()
    assert any(image.pixelColor(x, image.height() - 6).name() == backward for x in range(image.width()))
    session.close()


# --- player ----------------------------------------------------------------------------------------------------------


def test_speed_goes_from_an_event_to_a_step_a_second() -> None:
    assert events_per_second(0, 268) == 1.0
    assert events_per_second(100, 268) == pytest.approx(268)
    assert 1 < events_per_second(50, 268) < 268


def test_the_player_moves_by_what_is_due(session: Session) -> None:
    player = Player(session)
    player.set_speed(4.0)
    player.advance(0.125)
    assert session.playhead == 0
    player.advance(0.125)
    assert session.playhead == 1
    player.set_speed(100.0)
    player.advance(0.1)
    assert session.playhead == 11


def test_the_player_asks_for_more_at_the_end(session: Session, qtbot: QtBot) -> None:
    player = Player(session)
    session.seek(session.last)
    with qtbot.waitSignal(player.ran_out):
        player.advance(1.0)
    assert session.playhead == session.last


def test_play_moves_and_stops_with_the_recording(session: Session, qtbot: QtBot) -> None:
    player = Player(session)
    player.set_speed(200.0)
    player.play()
    qtbot.waitUntil(lambda: session.playhead > 3)
    session.close()
    assert not player.is_playing


def test_the_slider_sets_the_players_speed(transport: Transport) -> None:
    slider = transport.findChild(QSlider, "speed")
    assert slider is not None
    slider.setValue(0)
    assert transport.player.speed == 1.0
    slider.setValue(100)
    assert transport.player.speed == pytest.approx(12.0)


def test_a_focused_slider_keeps_its_keys(walked: MainWindow, qtbot: QtBot) -> None:
    slider = walked.findChild(QSlider, "speed")
    assert slider is not None
    before = slider.value()
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert slider.value() > before
    assert walked.session.playhead == 0


def test_the_loss_line_marks_the_step(transport: Transport, session: Session) -> None:
    line = transport.sparkline
    assert line.position == 0
    session.seek(session.last)
    assert line.position == 2
    losses, _ = line.drawn_state()
    assert isinstance(losses, tuple)
    assert losses[0] > losses[-1]
    assert not line.grab().isNull()


# --- speed, motion, data leaves --------------------------------------------------------------------------------------


def test_keys_change_the_speed(walked: MainWindow) -> None:
    transport, actions = walked.transport, walked.actions_table
    transport.set_speed_position(50)
    before = transport.player.speed
    actions["faster"].trigger()
    assert transport.player.speed > before
    actions["slower"].trigger()
    actions["slower"].trigger()
    assert transport.player.speed < before
    for _ in range(12):
        actions["slower"].trigger()
    assert transport.player.speed == 1.0  # one event a second


def test_data_leaves_are_shown_as_chosen_and_that_is_remembered(walked: MainWindow, qtbot: QtBot) -> None:
    actions, canvas = walked.actions_table, walked.canvas
    assert actions["leaves_auto"].isChecked()
    assert _leaves(walked)  # the bow is small
    actions["leaves_never"].trigger()
    qtbot.waitUntil(canvas.is_ready)
    assert not _leaves(walked)
    assert walked.settings.leaves == "never"
    actions["data_leaves"].trigger()  # its check follows what is shown: off
    qtbot.waitUntil(canvas.is_ready)
    assert _leaves(walked)
    assert actions["leaves_always"].isChecked()


def _leaves(window: MainWindow) -> bool:
    return window.canvas.data_leaves


def test_motion_is_as_chosen(walked: MainWindow) -> None:
    actions = walked.actions_table
    actions["motion_reduced"].trigger()
    assert theme.reduced_motion()
    assert walked.settings.motion == "reduced"
    walked.session.seek(walked.session.playhead + 1)
    assert not _moves(walked)
    actions["motion_full"].trigger()
    assert not theme.reduced_motion()
    walked.session.seek(walked.session.playhead + 1)
    assert _moves(walked)
    actions["motion_system"].trigger()
    assert theme.switch.reduced_motion is None


def _moves(window: MainWindow) -> bool:
    return window.canvas._motion.happening is not None


def test_a_long_event_is_cut_in_the_middle_once_the_curve_has_made_room(transport: Transport, session: Session) -> None:
    transport.resize(1400, transport.height())
    session.seek(session.last)
    assert transport.sparkline.isVisible()
    words = transport._words
    transport.resize(words.x() + words.full_width + 2 * theme.MEDIUM, transport.height())
    QApplication.processEvents()
    assert not transport.sparkline.isVisible()
    assert words.text() == words.full_text
    transport.resize(transport.minimumSizeHint().width() + 60, transport.height())
    QApplication.processEvents()
    assert words.text().endswith("b")
    assert "…" in words.text()


@pytest.mark.parametrize("width", [100, 700, 760, 900])
def test_nothing_touches_its_neighbour_however_narrow_the_window_is(
    walked: MainWindow, qtbot: QtBot, tmp_path: Path, width: int
) -> None:
    """The window has learned how much room the strip needs while there was nothing to show."""
    many = make_chain(tmp_path / "many.chain", nodes=2, steps=1200)
    walked.resize(width, 600)
    assert walked.open_path(many)
    qtbot.waitUntil(lambda: walked.transport._of.text() == "of 1,200")
    for event in range(3):
        walked.session.seek(event)
        QApplication.processEvents()
        strip = walked.transport
        assert strip.width() >= strip.minimumSizeHint().width()
        row = [each for each in strip.children() if isinstance(each, QWidget) and each is not strip.scrubber]
        places = sorted((each.geometry() for each in row if each.isVisible()), key=lambda place: place.x())
        assert all(one.right() < other.left() for one, other in pairwise(places))


def test_the_speed_in_words_gives_way_to_what_happens(transport: Transport, session: Session) -> None:
    session.seek(session.last)
    label = transport._speed_label
    least = transport.minimumSizeHint().width()
    transport.resize(least + label.sizeHint().width() + WORDS_LEAST, transport.height())
    assert label.isVisible()
    transport.resize(transport.width() - 1, transport.height())
    assert not label.isVisible()
    assert label.text() in transport._speed.toolTip()
    assert transport.minimumSizeHint().width() == least


def test_words_stand_where_they_are_in_every_phase(transport: Transport, session: Session) -> None:
    places = set()
    for event in range(12):
        session.seek(event)
        QApplication.processEvents()
        places.add((transport._phase.text(), transport._words.x()))
    assert len({phase for phase, _ in places}) == 3
    assert len({x for _, x in places}) == 1


def test_a_single_loss_draws_no_curve(qapp: QApplication, tmp_path: Path, qtbot: QtBot) -> None:
    session = Session()
    assert session.open(make_chain(tmp_path / "one.chain", nodes=4, steps=1))
    made = Transport(session, Actions(owner := QObject()))
    qtbot.addWidget(made)
    made.resize(1400, 100)
    made.show()
    assert not made.sparkline.isVisible()
    session.close()
    del owner


def test_the_handle_does_not_stand_on_a_phases_name(session: Session, qtbot: QtBot) -> None:
    """At the first event it is over the word's beginning: the word steps aside."""
    scrubber = Scrubber(session)
    qtbot.addWidget(scrubber)
    scrubber.resize(420, scrubber.height())
    blue = theme.current().phase("forward")

    def starts_at() -> int:
        image = scrubber.grab().toImage()
        rows = range(LABEL_HEIGHT - 3)
        return next(x for x in range(image.width()) if any(_close(image.pixelColor(x, y), blue) for y in rows))

    session.seek(8)
    usual = starts_at()
    session.seek(0)
    moved = starts_at()
    assert usual < scrubber.x_of(0) < moved
    assert moved > scrubber.x_of(0) + 5


def _close(one: QColor, other: QColor) -> bool:
    return abs(one.red() - other.red()) + abs(one.green() - other.green()) + abs(one.blue() - other.blue()) < 60
