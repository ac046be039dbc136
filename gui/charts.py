"""Curves over the run: the loss, the gradients layer by layer, and the time that each training step took."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QRect
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from engine.errors import RecordingError
from engine.recording.model import PHASES, Parameter
from engine.recording.reader import Recording
from gui import numbers, theme
from gui.chart_base import Chart
from gui.parameter_values import Cells, StepValues
from gui.parameters import node_of
from gui.session import Session

if TYPE_CHECKING:
    from gui.chart_plots import Plot

translate = QCoreApplication.translate


def nearest_step(recording: Recording, x: float | None) -> int | None:
    """The place in `Recording.steps` of the step nearest to `x`, where steps are counted from 1."""
    if x is None or not recording.steps:
        return None
    indices = np.array([step.index for step in recording.steps])
    return int(np.argmin(np.abs(indices + 1 - x)))


def seek_to_step(session: Session, x: float) -> None:
    """Put the playhead on the first event of the step nearest to `x`."""
    recording = session.recording
    place = None if recording is None else nearest_step(recording, x)
    if recording is not None and place is not None:
        session.seek(recording.steps[place].first_event)


def current_step(session: Session, recording: Recording) -> int:
    """The index of the playhead's step."""
    return int(recording.timeline.step[session.playhead])


class StepChart(Chart):
    """Training steps from left to right. A click puts the playhead on the first event of the nearest step."""

    def picked(self, x: float) -> None:
        seek_to_step(self.session, x)

    def caption_text(self, x: float | None) -> str:
        recording = self.session.recording
        if recording is None:
            return ""
        place = nearest_step(recording, current_step(self.session, recording) + 1 if x is None else x)
        return "" if place is None else self.step_text(recording, place)

    def step_text(self, recording: Recording, place: int) -> str:
        """What there is to say of the step at `place` in the recording."""
        raise NotImplementedError


class LossChart(StepChart):
    """The loss of each step."""

    def missing(self, recording: Recording) -> str:
        if all(step.loss is None for step in recording.steps):
            return translate("charts", "No training step has a loss that is one number.")
        if not any(step.loss is not None and math.isfinite(step.loss) for step in recording.steps):
            return translate("charts", "The loss is NaN or infinite in every training step.")
        return ""

    def plot_type(self) -> type[Plot]:
        from gui.chart_plots import LossPlot

        return LossPlot

    def state(self, recording: Recording) -> Hashable:
        return (current_step(self.session, recording), tuple((step.index, step.loss) for step in recording.steps))

    def fill(self, plot: Any, recording: Recording) -> None:
        steps = np.array([step.index + 1 for step in recording.steps], np.float64)
        losses = np.array([np.nan if step.loss is None else step.loss for step in recording.steps])
        spoiled = np.array([step.loss is not None and not math.isfinite(step.loss) for step in recording.steps])
        plot.set_data(steps, losses, current_step(self.session, recording) + 1, spoiled)

    def step_text(self, recording: Recording, place: int) -> str:
        step = recording.steps[place]
        return translate("charts", "step {step}: loss {loss}").format(
            step=f"{step.index + 1:,}", loss=numbers.number(step.loss)
        )


class GradientChart(Chart):
    """The norms of the gradients that have arrived in this step. A click selects the parameter."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._values: StepValues | None = None
        self._known: Hashable = None
        session.selection_changed.connect(self.follow)

    def reset(self) -> None:
        self._values, self._known = None, None

    def missing(self, recording: Recording) -> str:
        return "" if recording.parameters else translate("charts", "The recording has no parameters.")

    def plot_type(self) -> type[Plot]:
        from gui.chart_plots import GradientPlot

        return GradientPlot

    def read(self, recording: Recording, seconds: float | None) -> bool:
        step = current_step(self.session, recording)
        known = (step, *recording.timeline.step_bounds(step), len(recording.parameters))
        if known != self._known or self._values is None:
            self._known, self._values = known, StepValues(recording, step, changes=False)
        return self._values.load(seconds)

    def gradients(self) -> Cells:
        """One for each parameter, those that have arrived at the playhead."""
        return Cells.empty(0) if self._values is None else self._values.at(self.session.playhead).gradient

    def _parameters(self) -> tuple[Parameter, ...]:
        return () if self._values is None else self._values.parameters

    def state(self, recording: Recording) -> Hashable:
        cells = self.gradients()
        ids = tuple(parameter.id for parameter in self._parameters())
        return (self._selected(recording), self._span(), ids, cells.numbers.tobytes(), cells.known.tobytes())

    def fill(self, plot: Any, recording: Recording) -> None:
        cells = self.gradients()
        names = tuple(parameter.name for parameter in self._parameters())
        plot.set_data(names, cells.numbers, cells.known, self._span(), self._selected(recording))

    def _span(self) -> tuple[float, float]:
        """Whole powers of ten around all gradients of the step."""
        cells = Cells.empty(0) if self._values is None else self._values.at(self._values.last).gradient
        positive = cells.numbers[cells.known & np.isfinite(cells.numbers) & (cells.numbers > 0)]
        if not len(positive):
            return (-1.0, 1.0)
        logs = np.log10(positive)
        return (float(np.floor(logs.min() - 0.05)), float(np.ceil(logs.max() + 0.05)))

    def _selected(self, recording: Recording) -> int:
        """The place of the selected node's parameter, −1 if there is none."""
        if self.session.selection is None:
            return -1
        try:
            parameter = recording.node(self.session.selection).parameter
        except RecordingError:
            return -1
        ids = [each.id for each in self._parameters()]
        return ids.index(parameter) if parameter in ids else -1

    def picked(self, x: float) -> None:
        recording, parameters = self.session.recording, self._parameters()
        place = round(x)
        if recording is None or not 0 <= place < len(parameters):
            return
        node = node_of(recording, parameters[place].id, self.session.graph_id, self.session.playhead)
        if node is not None:
            self.session.select(node)

    def caption_text(self, x: float | None) -> str:
        recording, cells = self.session.recording, self.gradients()
        if recording is None:
            return ""
        if x is None or not 0 <= round(x) < len(cells.known):
            counts = {"count": int(cells.known.sum()), "all": len(cells.known)}
            return translate("charts", "{count} of {all} gradients have arrived in this step").format(**counts)
        place = round(x)
        text = numbers.number(float(cells.numbers[place])) if cells.known[place] else translate("charts", "not yet")
        return f"{self._parameters()[place].name}: {text}"


class TimeChart(StepChart):
    """What the phases of each step took, by the times of their events, recording included."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._times: dict[tuple[int, int], tuple[float, ...]] = {}

    def reset(self) -> None:
        self._times.clear()

    def plot_type(self) -> type[Plot]:
        from gui.chart_plots import TimePlot

        return TimePlot

    def read(self, recording: Recording, seconds: float | None) -> bool:
        end = None if seconds is None else time.perf_counter() + seconds
        with recording.held():
            for step in recording.steps:
                key = (step.index, step.last_event)
                if key not in self._times:
                    self._times[key] = phase_times(recording, step.index)
                    if end is not None and time.perf_counter() >= end:
                        break
        return all((step.index, step.last_event) in self._times for step in recording.steps)

    def state(self, recording: Recording) -> Hashable:
        return (current_step(self.session, recording), *self._rows(recording))

    def _rows(self, recording: Recording) -> list[tuple[float, ...]]:
        unknown = (math.nan,) * len(PHASES)
        return [self._times.get((step.index, step.last_event), unknown) for step in recording.steps]

    def fill(self, plot: Any, recording: Recording) -> None:
        steps = np.array([step.index + 1 for step in recording.steps], np.float64)
        plot.set_data(steps, np.array(self._rows(recording)), current_step(self.session, recording) + 1)

    def step_text(self, recording: Recording, place: int) -> str:
        times = self._rows(recording)[place]
        names = (translate("charts", "forward"), translate("charts", "backward"), translate("charts", "update"))
        parts = [f"{name} {numbers.duration(t)}" for name, t in zip(names, times, strict=True) if not math.isnan(t)]
        step = f"{recording.steps[place].index + 1:,}"
        return translate("charts", "step {step}: {parts} (recording included)").format(
            step=step, parts=", ".join(parts)
        )


def phase_times(recording: Recording, step: int) -> tuple[float, ...]:
    """Seconds that each of PHASES took in a step: from the end of what came before it to its last event.

    The first phase counts from its first event, for nothing tells when it began.
    """
    totals = dict.fromkeys(PHASES, 0.0)
    before: float | None = None
    for phase, first, last in recording.timeline.phase_spans(step):
        start = recording.event(first).time if before is None else before
        before = recording.event(last).time
        totals[phase] += max(before - start, 0.0)
    return tuple(totals[phase] for phase in PHASES)


class ChartsPanel(QWidget):
    """The charts, one a tab."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName(translate("charts", "Charts"))
        self.loss = LossChart(session, self)
        self.gradients = GradientChart(session, self)
        self.times = TimeChart(session, self)
        for chart, label in (
            (self.loss, translate("charts", "Loss")),
            (self.gradients, translate("charts", "Gradients")),
            (self.times, translate("charts", "Time")),
        ):
            chart.setAccessibleName(label)
            self.tabs.addTab(chart, label)
        for each in self.charts:
            each.caption.setParent(self)
        self.tabs.currentChanged.connect(self._show_caption)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        session.recording_changed.connect(self._forget)
        for signal in (session.playhead_changed, session.recording_grew):
            signal.connect(self._follow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_caption()

    def _show_caption(self) -> None:
        """That of the current tab, beside the tabs: a line of its own would take from the plot. It is in no layout, so
        that another text lays nothing out anew."""
        tabs = self.tabs.tabBar().sizeHint()
        room = QRect(0, 0, self.width(), tabs.height()).adjusted(tabs.width() + theme.MEDIUM, 0, -theme.MEDIUM, 0)
        for place, chart in enumerate(self.charts):
            chart.caption.setGeometry(room)
            chart.caption.setVisible(place == self.tabs.currentIndex())
            chart.caption.raise_()

    def wait_until(self, may_draw: Callable[[], bool]) -> None:
        """Draw a recording first when this is so, or after a while: the graph is waited for more."""
        for chart in self.charts:
            chart.may_draw = may_draw

    @property
    def charts(self) -> tuple[Chart, ...]:
        return (self.loss, self.gradients, self.times)

    def _forget(self) -> None:
        for chart in self.charts:
            chart.forget()
            chart.follow()

    def _follow(self) -> None:
        for chart in self.charts:
            chart.follow()

    def drawn_state(self) -> tuple[Hashable, ...]:
        """What the current tab shows."""
        chart = self.charts[self.tabs.currentIndex()]
        return (self.tabs.currentIndex(), *chart.drawn_state())
