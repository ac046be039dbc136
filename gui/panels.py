"""The docks: which there are, where they stand, and how they are put back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from PySide6.QtCore import QByteArray, QCoreApplication, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QTabBar, QTabWidget, QWidget

from gui import theme
from gui.actions import PANELS
from gui.session import Session
from gui.steady import Steady

VERSION = len(PANELS)  # of the saved places: those of a window with other panels are of no use
TABBED = ("charts", "parameters", "manual", "optimizer", "memory")
TALL = ("manual", "optimizer", "memory")  # they need room, and are made when they are first looked at
TALL_SHARE, TALL_MOST = 0.46, 440
LOW_SHARE, LOW_LEAST, LOW_MOST = 0.2, 196, 320  # of the tabs: a plot in them is 100 px high at least
SMALL_SHARE = 0.3  # but no more than this of a small window's height
Area = Qt.DockWidgetArea
Feature = QDockWidget.DockWidgetFeature


def title_of(name: str) -> str:
    translate = QCoreApplication.translate
    titles = {
        "source": translate("panels", "Source"),
        "console": translate("panels", "Console"),
        "inspector": translate("panels", "Inspector"),
        "parameters": translate("panels", "Parameters"),
        "charts": translate("panels", "Charts"),
        "manual": translate("panels", "Manual ⇄ autograd"),
        "optimizer": translate("panels", "Optimizer"),
        "memory": translate("panels", "Memory"),
    }
    return titles[name]


class Panels:
    """Owns the docks of `window`. The transport is one too, without a title, and cannot be closed or moved."""

    def __init__(self, window: QMainWindow, source: QWidget, console: QWidget, transport: QWidget) -> None:
        self._window = window
        self._widgets: dict[str, QWidget] = {"source": source, "console": console}
        self._waiting: dict[str, Callable[[], QWidget]] = {}
        self._front = ""  # the tab that is looked at
        self._low: int | None = None  # the height of the tabs before a tall one was looked at
        self._remembered = 0  # the same at an earlier start's end, until a tab is seen
        self.docks = {name: self._make(name) for name in PANELS}
        self.transport = self._make_transport(transport)
        self.docks["source"].setWidget(source)
        self.docks["console"].setWidget(console)
        for dock in (*self.docks.values(), self.transport):
            window.addDockWidget(Area.BottomDockWidgetArea, dock)
        for name in TABBED:
            self.docks[name].visibilityChanged.connect(partial(self._tab_seen, name))

    def __getitem__(self, name: str) -> QDockWidget:
        return self.docks[name]

    def widget(self, name: str) -> QWidget | None:
        """What is in a dock, if that was made already."""
        return self._widgets.get(name)

    def make(self, name: str) -> QWidget:
        """What is in a dock, made now if it waited to be looked at; after `fill`."""
        maker = self._waiting.pop(name, None)
        if maker is not None:
            self._widgets[name] = maker()
            self.docks[name].setWidget(self._widgets[name])
        return self._widgets[name]

    def fill(self, session: Session) -> None:
        """Make what is in the docks that the window did not wait for."""
        for name, make in _makers(session).items():
            if name not in self._widgets:
                self._waiting[name] = make
                if name not in TALL or name == self._front:
                    self.make(name)

    def _tab_seen(self, name: str, visible: bool) -> None:
        if visible:
            self._front = name
            # Later: while docks are put in their places each of them is shown for a moment.
            QTimer.singleShot(0, self._window, partial(self._give_room, name))
        elif self._front == name:
            self._front = ""

    def _give_room(self, name: str) -> None:
        """A tall tab lifts the others' edge while it is looked at."""
        dock = self.docks[name]
        if self._front != name:
            return
        if name in self._waiting:
            self.make(name)
            # Later: a widget that is new to its dock asks for the layout once more, which would undo a resize.
            QTimer.singleShot(0, self._window, partial(self._give_room, name))
            return
        height, vertical = self._height(name), Qt.Orientation.Vertical
        low, self._remembered = self._low or self._remembered, 0
        squeezed = height < low  # all tabs were hidden at the start: Qt knows no height then
        if name in TALL:
            wanted = min(round(self._window.height() * TALL_SHARE), TALL_MOST)
            if height < wanted and (not low or squeezed):
                self._window.resizeDocks([dock], [wanted], vertical)
            self._low = low or (height if height < wanted else None)
        elif self._low is not None or squeezed:
            self._window.resizeDocks([dock], [low], vertical)
            self._low = None

    @property
    def low(self) -> int:
        """The height of the tabs, or what they had before a tall one was looked at, or will have when they are seen."""
        if self._low is None and self._front and self._front not in TALL:
            return self._height(self._front)
        return self._low or self._remembered or self._suitable()

    def _height(self, name: str) -> int:
        return self.docks[name].height() + self._bar_height(name)

    def _bar_height(self, name: str) -> int:
        """Of the tabs over a dock: to Qt they are a part of what it resizes."""
        direct = Qt.FindChildOption.FindDirectChildrenOnly
        for bar in self._window.findChildren(QTabBar, options=direct):
            titles = [bar.tabText(place) for place in range(bar.count())]
            if bar.isVisible() and len(titles) > 1 and title_of(name) in titles:  # Qt keeps one for a dock alone
                return bar.height()
        return 0

    def _make(self, name: str) -> QDockWidget:
        dock = QDockWidget(title_of(name), self._window)
        dock.setObjectName(name)
        dock.setWidget(QLabel())
        if name in TABBED:
            dock.setTitleBarWidget(QWidget(dock))  # the tab says what it is
        return dock

    def _make_transport(self, transport: QWidget) -> QDockWidget:
        dock = QDockWidget(self._window)
        dock.setObjectName("transport_dock")
        dock.setFeatures(Feature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget(dock))
        steady = Steady(transport)
        steady.setFixedHeight(transport.sizeHint().height())
        dock.setWidget(steady)
        return dock

    def restore(self, state: QByteArray, low: int) -> None:
        """Put every panel where it was as `saveState` gave `state` and `low` was so; in its own place if that fails."""
        self._set_rules()
        if self._window.restoreState(state, VERSION):
            self._remembered = low
        else:
            self.reset()
        self.transport.show()

    def reset(self) -> None:
        """Every panel in its place: source over console, inspector right, the others under the transport."""
        window, docks = self._window, self.docks
        self._set_rules()
        for dock in (*docks.values(), self.transport):
            window.removeDockWidget(dock)
            dock.setFloating(False)
        window.addDockWidget(Area.LeftDockWidgetArea, docks["source"])
        window.splitDockWidget(docks["source"], docks["console"], Qt.Orientation.Vertical)
        window.addDockWidget(Area.RightDockWidgetArea, docks["inspector"])
        window.addDockWidget(Area.BottomDockWidgetArea, self.transport)
        window.splitDockWidget(self.transport, docks["charts"], Qt.Orientation.Vertical)
        for name, after in pairwise(TABBED):
            window.tabifyDockWidget(docks[name], docks[after])
        for dock in (*docks.values(), self.transport):
            dock.show()
        self._low, self._remembered = None, 0
        docks["charts"].raise_()
        self.resize()

    def _set_rules(self) -> None:
        window = self._window
        window.setDockNestingEnabled(True)
        window.setTabPosition(Area.BottomDockWidgetArea, QTabWidget.TabPosition.North)
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, Area.BottomDockWidgetArea),
            (Qt.Corner.BottomRightCorner, Area.BottomDockWidgetArea),
            (Qt.Corner.TopLeftCorner, Area.LeftDockWidgetArea),
            (Qt.Corner.TopRightCorner, Area.RightDockWidgetArea),
        ):
            window.setCorner(corner, area)

    def resize(self) -> None:
        """Sizes that suit the window's."""
        width, height = self._window.width(), self._window.height()
        left, right, bottom = _share(width, 0.24, 260, 520), _share(width, 0.26, 300, 560), self._suitable()
        docks = self.docks
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self._window.resizeDocks([docks["source"], docks["inspector"]], [left, right], horizontal)
        upper = height - bottom
        self._window.resizeDocks([docks["source"], docks["console"]], [upper * 2 // 3, upper // 3], vertical)
        self._window.resizeDocks([docks["charts"]], [bottom], vertical)

    def _suitable(self) -> int:
        """The height of tabs that are not tall."""
        height = self._window.height()
        return _share(height, LOW_SHARE, min(LOW_LEAST, round(height * SMALL_SHARE)), LOW_MOST)


def _share(length: int, share: float, low: int, high: int) -> int:
    return max(low, min(high, round(length * share / theme.STEP) * theme.STEP))


def _makers(session: Session) -> dict[str, Callable[[], QWidget]]:
    """Imported here and not above: the window is there before they are."""
    from gui.charts import ChartsPanel
    from gui.inspector.panel import InspectorPanel
    from gui.parameters import ParametersPanel

    return {
        "inspector": lambda: InspectorPanel(session),
        "parameters": lambda: ParametersPanel(session),
        "charts": lambda: ChartsPanel(session),
        "manual": lambda: _manual(session),
        "optimizer": lambda: _optimizer(session),
        "memory": lambda: _memory(session),
    }


def _manual(session: Session) -> QWidget:
    from gui.manual.panel import ManualPanel

    return ManualPanel(session)


def _optimizer(session: Session) -> QWidget:
    from gui.optimizer.panel import OptimizerPanel

    return OptimizerPanel(session)


def _memory(session: Session) -> QWidget:
    from gui.memory.panel import MemoryPanel

    return MemoryPanel(session)
