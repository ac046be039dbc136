"""The charts: what they show at the playhead, and what a click does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.recording.reader import open_recording
from gui import theme
from gui.chart_library import library
from gui.chart_plots import cut_at
from gui.charts import ChartsPanel, LossChart, phase_times
from gui.session import Session
from tests.gui import layers
from tests.gui.layers import make_layers
from tests.gui.walking import assert_walking_equals_seeking


@pytest.fixture
def layered(qapp: QApplication, tmp_path: Path) -> Iterator[Session]:
    opened = Session()
    assert opened.open(make_layers(tmp_path / "layers.chain"))
    yield opened
    opened.close()


def panel_of(qtbot: QtBot, session: Session, tab: int = 0) -> ChartsPanel:
    panel = ChartsPanel(session)
    qtbot.addWidget(panel)
    panel.tabs.setCurrentIndex(tab)
    panel.resize(600, 260)
    panel.show()
    return panel


def plot_of(panel: ChartsPanel) -> Any:
    panel.drawn_state()
    plot = panel.charts[panel.tabs.currentIndex()].plot
    assert plot is not None
    return plot


@pytest.mark.parametrize("tab", range(3))
def test_walking_equals_seeking(qtbot: QtBot, layered: Session, tab: int) -> None:
    panel = panel_of(qtbot, layered, tab)
    forth = assert_walking_equals_seeking(layered, panel.drawn_state)
    assert len(set(forth.values())) > 1


def test_the_loss_is_marked_at_the_playheads_step(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    plot = plot_of(panel)
    recording = session.recording
    assert recording is not None
    losses = [step.loss for step in recording.steps]
    ranges = []
    for place in range(3):
        session.seek(12 * place)
        panel.drawn_state()
        assert plot._marker.value() == place + 1
        assert plot._passed.getData()[1].tolist() == losses[: place + 1]
        assert plot._ahead.getData()[1].tolist() == losses
        ranges.append(plot.getPlotItem().viewRange())
    assert ranges[0] == ranges[1] == ranges[2]
    assert panel.loss.caption.text().startswith("step 3: loss ")


def test_a_loss_that_is_never_finite_leaves_an_empty_plot(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    plot = plot_of(panel)
    plot.set_data(np.array([1.0, 2.0, 3.0]), np.array([np.nan, np.inf, 4.0]), 2, np.array([False, True, False]))
    assert plot._passed.getData()[1] is None or len(plot._passed.getData()[1]) == 0
    assert plot._ahead.getData()[1][2] == 4.0
    assert plot._ticks.xvals == [2.0], "the first step has no loss, the second an infinite one"
    panel.grab()  # pyqtgraph would warn about bounds that are all NaN


def test_one_loss_alone_has_an_axis_of_its_own(qtbot: QtBot, session: Session) -> None:
    """And not that of what was shown before."""
    panel = panel_of(qtbot, session)
    plot = plot_of(panel)
    many, one, few = (np.arange(1.0, count + 1) for count in (3, 1, 2))
    for steps, losses, most in (
        (many, [-5000.0, 0.0, 5000.0], 20_000), (one, [6.0], 8), (few, [1.0, 1000.0], 2000), (few, [0.0, 0.0], 3),
    ):  # fmt: skip
        plot.set_data(steps, np.array(losses), 1, np.zeros(len(steps), np.bool_))
        plot.grab()
        low, high = plot.getPlotItem().viewRange()[1]
        assert low <= min(losses) <= max(losses) <= high
        assert high - low <= most


def test_a_loss_that_is_never_finite_is_told_in_words(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = session.recording
    assert recording is not None
    steps = tuple(replace(step, loss=loss) for step, loss in zip(recording.steps, (np.nan, np.inf, None), strict=True))
    monkeypatch.setattr(type(recording), "steps", property(lambda _: steps))
    assert "NaN or infinite in every training step" in LossChart(session).missing(recording)


def test_a_click_on_the_loss_seeks_to_the_step(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    plot_of(panel).picked.emit(2.2)
    assert session.playhead == 12
    plot_of(panel).picked.emit(99.0)
    assert session.playhead == 24


def test_gradients_appear_as_they_arrive(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered, 1)
    plot = plot_of(panel)
    counts = []
    for event in (layers.BIAS_ARRIVES - 1, layers.BIAS_ARRIVES, layers.WEIGHT_ARRIVES):
        layered.seek(event)
        panel.drawn_state()
        counts.append(len(plot._bars.opts["x"]))
    assert counts == [0, 1, 2]
    low = plot._span[0]
    tops = plot._bars.opts["y0"] + plot._bars.opts["height"]
    assert tops.tolist() == pytest.approx(np.log10([np.hypot(16, 24), np.sqrt(55)]).tolist())
    assert low < tops.min()
    assert panel.gradients.caption.text() == "2 of 2 gradients have arrived in this step"


def test_a_click_on_a_gradient_selects_the_parameter(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered, 1)
    plot = plot_of(panel)
    plot.picked.emit(0.6)
    assert layered.selection == layers.WEIGHT
    plot.picked.emit(77.0)
    assert layered.selection == layers.WEIGHT
    assert panel.gradients.caption_text(1.2) == "fc.weight: not yet"


def test_a_gradient_that_is_not_finite_is_a_full_bar_in_the_error_colour(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    session = Session()
    session.open(make_layers(tmp_path / "nan.chain", gradient=float("nan")))
    session.seek(session.last)
    plot = plot_of(panel_of(qtbot, session, 1))
    assert plot._bars.opts["brushes"] == [theme.current().backward, theme.current().error]
    assert plot._bars.opts["y0"][1] + plot._bars.opts["height"][1] == plot._span[1]
    session.close()


def test_phases_take_the_time_between_their_events(tmp_path: Path) -> None:
    with open_recording(make_layers(tmp_path / "layers.chain")) as recording:
        assert phase_times(recording, 1) == pytest.approx((0.006, 0.012, 0.004), abs=1e-6)


def test_times_are_stacked(qtbot: QtBot, layered: Session) -> None:
    plot = plot_of(panel_of(qtbot, layered, 2))
    feet = [bars.opts["y0"].tolist() for bars in plot._bars]
    assert feet[0] == [0.0, 0.0]
    assert feet[2] == pytest.approx([18.0, 18.0], abs=1e-3)


def test_a_step_that_warms_up_does_not_press_down_the_others(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered, 2)
    plot = plot_of(panel)
    times = np.full((10, 3), 0.001)
    times[0] = 0.4, 0.1, 0.2
    plot.set_data(np.arange(1.0, 11.0), times, 1)
    top = max(float((bars.opts["y0"] + bars.opts["height"]).max()) for bars in plot._bars)
    assert top == pytest.approx(4.5)  # ms; the others' is 3
    assert [words.toPlainText() for _, words in plot._words] == ["700 ms"]
    assert plot._notches.opts["x"].tolist() == [1.0]
    assert plot.csv().splitlines()[1] == "1,0.4,0.1,0.2"
    plot.set_data(np.arange(1.0, 11.0), np.full((10, 3), 0.001), 1)
    assert (plot._words, plot._notches.opts["x"].tolist()) == ([], [])


def test_the_times_of_bars_that_are_cut_stand_above_all_bars_and_not_on_each_other(
    qtbot: QtBot, layered: Session
) -> None:
    panel = panel_of(qtbot, layered, 2)
    plot = plot_of(panel)
    times = np.full((40, 3), 0.001)
    times[[0, 1, 39]] = 0.4
    plot.set_data(np.arange(1.0, 41.0), times, 1)
    box = plot.getPlotItem().getViewBox()
    box.updateAutoRange()
    plot.grab()
    places = [words.mapRectToScene(words.boundingRect()) for _, words in plot._words if words.isVisible()]
    assert [words.isVisible() for _, words in plot._words] == [True, False, True]
    top = box.mapViewToScene(QPointF(1.0, 4.5)).y()  # ms; where they are cut
    assert all(place.bottom() <= top + 1 and place.right() <= box.sceneBoundingRect().right() for place in places)
    assert all(place.top() >= box.sceneBoundingRect().top() for place in places)
    panel.resize(1800, panel.height())
    box.setXRange(1, 18)
    plot.grab()
    assert [words.isVisible() for _, words in plot._words] == [True, True, True]


def labels_on(plot: Any, side: str) -> list[str]:
    """What an axis really draws."""
    axis, image = plot.getPlotItem().getAxis(side), QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        return [text for _, _, text in axis.generateDrawSpecs(painter)[2]]
    finally:
        painter.end()


@pytest.mark.parametrize("height", [160, 200, 500])
def test_both_ends_of_the_scale_of_gradients_are_labelled(qtbot: QtBot, layered: Session, height: int) -> None:
    layered.seek(10_000)
    panel = panel_of(qtbot, layered, 1)
    panel.resize(600, height)
    plot = plot_of(panel)
    panel.grab()
    plot.set_data(("a", "b"), np.array([13.0, 640.0]), np.array([True, True]), (1.0, 3.0), -1)
    plot.grab()
    assert {"10", "1000"} <= set(labels_on(plot, "left"))


@pytest.mark.parametrize("width", [600, 1600])
def test_only_steps_that_were_recorded_have_a_number(qtbot: QtBot, layered: Session, width: int) -> None:
    panel = panel_of(qtbot, layered, 2)
    panel.resize(width, 260)
    plot = plot_of(panel)
    plot.set_data(np.array([1.0, 2.0]), np.ones((2, 3)), 1)
    plot.grab()
    shown = [text for text in labels_on(plot, "bottom") if text]
    assert shown == (["1", "2"] if width == 1600 else ["2"])
    plot.set_data(np.arange(1.0, 20_001.0), np.ones((20_000, 3)), 1)
    plot.grab()
    shown = [text for text in labels_on(plot, "bottom") if text]
    assert 3 <= len(shown) <= width / 40
    assert shown[-1] == "20,000"


def test_the_loss_has_no_step_nought(qtbot: QtBot, session: Session) -> None:
    plot = plot_of(panel_of(qtbot, session))
    assert plot.getPlotItem().getAxis("bottom").tickStrings([0.0, 1.0, 5.0], 1.0, 1.0) == ["", "1", ""]


def test_many_gradients_are_named_by_their_modules(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered, 1)
    plot = plot_of(panel)
    names = tuple(f"layer{block}.{place}.{kind}" for block in range(2) for place in range(20) for kind in "wb")
    plot.set_data(names, np.ones(80), np.ones(80, np.bool_), (-1.0, 1.0), -1)
    assert plot.getPlotItem().getAxis("bottom")._tickLevels == [[(19.5, "layer0"), (59.5, "layer1")]]


@pytest.mark.parametrize(
    ("totals", "end"),
    [
        ([900.0, 5.0, 6.0, 4.0], 9.0),
        ([900.0, 5.0], np.inf),  # of two, who is to say which one is odd?
        ([12.0, 5.0, 6.0, 4.0], np.inf),
        ([900.0, 50.0, *([5.0] * 30)], 7.5),
        ([*([900.0] * 5), *([5.0] * 5)], np.inf),  # half of them are no exception
        ([0.0, 0.0, 0.0], np.inf),
        ([0.0, 0.0, 7.0], np.inf),
    ],
)
def test_bars_are_cut_where_few_are_many_times_longer(totals: list[float], end: float) -> None:
    assert cut_at(np.array(totals)) == end


def test_the_caption_stands_beside_the_tabs(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    for tab, chart in enumerate(panel.charts):
        panel.tabs.setCurrentIndex(tab)
        panel.drawn_state()
        assert [each.caption.isVisible() for each in panel.charts] == [place == tab for place in range(3)]
        bar = panel.tabs.tabBar()
        last = bar.tabRect(bar.count() - 1).right()
        assert chart.caption.geometry().left() > last
        assert chart.caption.geometry().bottom() <= bar.height()
    layered.close()
    panel.drawn_state()
    assert panel.times.caption.text() == ""


def test_hovering_tells_the_numbers_under_the_mouse(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    plot = plot_of(panel)
    plot.grab()  # lays it out
    view = plot.getPlotItem().getViewBox()
    plot._moved(view.mapViewToScene(QPointF(2.0, 9.5)))
    assert panel.loss.caption.text() == "step 2: loss 9.000"
    plot._moved(QPointF(-50, -50))
    assert panel.loss.caption.text() == "step 1: loss 10.00"


def test_the_numbers_can_be_copied(qtbot: QtBot, layered: Session) -> None:
    layered.seek(layers.BIAS_ARRIVES)
    texts = [plot_of(panel_of(qtbot, layered, tab)).csv().splitlines() for tab in range(3)]
    assert texts[0] == ["step,loss", "1,10.0", "2,9.0"]
    assert texts[1][1].startswith("fc.bias,28.84")
    assert texts[1][2] == "fc.weight,"
    assert texts[2][0] == "step,forward_seconds,backward_seconds,update_seconds"
    assert len(texts[2]) == 3


def test_plots_follow_the_theme(qtbot: QtBot, qapp: QApplication, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    plot = plot_of(panel)
    theme.apply(qapp, "light")
    assert plot.grab().toImage().pixelColor(2, 2).rgb() == theme.LIGHT.surface.rgb()
    theme.apply(qapp, "dark")
    assert plot.grab().toImage().pixelColor(2, 2).rgb() == theme.DARK.surface.rgb()


def test_without_a_recording_there_is_a_message_and_no_plot(qtbot: QtBot, qapp: QApplication) -> None:
    panel = panel_of(qtbot, Session())
    assert panel.drawn_state() == (0, "Nothing has been recorded yet.")
    assert panel.loss.plot is None


def test_the_plot_that_is_seen_is_made_ahead_of_time(qtbot: QtBot, qapp: QApplication, bow: Path) -> None:
    session = Session()
    panel = panel_of(qtbot, session)
    assert [chart.plot for chart in panel.charts] == [None] * 3
    library.loaded.emit()
    qtbot.waitUntil(lambda: panel.loss.plot is not None)
    made = panel.loss.plot
    assert made is not None
    assert made.isHidden()
    assert panel.loss.message.isVisible()
    assert [chart.plot for chart in panel.charts] == [made, None, None]
    assert session.open(bow)
    qtbot.waitUntil(made.isVisible)
    assert panel.loss.plot is made
    session.close()


def test_another_recording_is_drawn_once_its_graph_is_there(
    qtbot: QtBot, session: Session, layered: Session, tmp_path: Path
) -> None:
    panel = panel_of(qtbot, session)
    plot = plot_of(panel)
    before = plot._ahead.getData()[1].tolist()
    may_draw = False
    panel.wait_until(lambda: may_draw)
    assert layered.recording is not None
    assert session.open(layered.recording.path)
    assert not plot.isVisible()  # what it shows is of the recording before
    panel.loss.refresh()
    assert not plot.isVisible()
    may_draw = True
    qtbot.waitUntil(plot.isVisible)
    assert plot._ahead.getData()[1].tolist() == [step.loss for step in layered.recording.steps] != before


def test_a_plot_is_made_in_two_turns_and_does_not_lift_the_panels_edge(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    before = panel.minimumSizeHint().height()
    assert [panel.loss.plot for _ in panel.loss._make()] == [None]
    plot = plot_of(panel)
    assert plot.isVisible()
    panel.grab()
    assert panel.minimumSizeHint().height() < before + plot.minimumSizeHint().height() // 2


def test_pyqtgraph_is_imported_only_when_there_is_something_to_plot(bow: Path) -> None:
    code = (
        "import sys\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from gui.chart_library import library\n"
        "from gui.charts import ChartsPanel\n"
        "from gui.session import Session\n"
        "app, session = QApplication([]), Session()\n"
        "panel = ChartsPanel(session)\n"
        "panel.show(); app.processEvents()\n"
        "early = 'pyqtgraph' in sys.modules\n"
        "session.open(sys.argv[1])\n"
        "library.loaded.connect(lambda: app.exit(10 * early + ('pyqtgraph' in sys.modules)))\n"
        "panel.drawn_state()\n"
        "sys.exit(app.exec())\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(bow)], check=False).returncode == 1
