"""Where the Tab key leads: through the window as it is read, whenever its parts were made.

Qt goes by the order in which widgets came to be; what the inspector shows comes to be with each node.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QChildEvent, QCoreApplication, QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QScrollArea, QTabBar, QToolBar, QWidget

from gui.focus_ring import show_focus

ROW = 12  # px: what differs by less in height stands side by side
Area = Qt.DockWidgetArea
SIDES = {Area.TopDockWidgetArea: 0, Area.LeftDockWidgetArea: 1, Area.RightDockWidgetArea: 3}
MIDDLE, BELOW = 2, 4


def move_focus(parts: Iterable[QWidget], *, forward: bool) -> bool:
    """To the next widget that the Tab key stops at, or the one before, round at the ends; whether there is one."""
    stops = [stop for part in parts for stop in _stops(part)]
    if not stops:
        return False
    current = QApplication.focusWidget()
    here = stops.index(current) if current in stops else -1 if forward else 0
    go_to(stops[(here + (1 if forward else -1)) % len(stops)], forward=forward)
    return True


def parts_of(window: QMainWindow) -> list[QWidget]:
    """What is in view of toolbar, left docks, middle, right docks, and the lower docks with their tabs."""
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    middle = window.centralWidget()
    parts: list[tuple[int, QWidget]] = [
        *((0, bar) for bar in window.findChildren(QToolBar, options=direct)),
        *((BELOW, bar) for bar in window.findChildren(QTabBar, options=direct)),
        *((SIDES.get(window.dockWidgetArea(dock), BELOW), dock) for dock in window.findChildren(QDockWidget)),
        *([(MIDDLE, middle)] if middle is not None else []),
    ]
    shown = [(rank, part) for rank, part in parts if part.isVisible() and part.window() is window]
    here = [each for each in shown if window.rect().intersects(each[1].geometry())]  # docks behind others stand outside
    return [part for _, part in sorted(here, key=lambda each: (each[0], each[1].y(), each[1].x()))]


def go_to(widget: QWidget, *, forward: bool) -> None:
    """Give it the focus, in view."""
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    widget.setFocus(reason)
    show_focus(widget)
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(widget)
        around = around.parentWidget()


def _stops(part: QWidget) -> list[QWidget]:
    """Row by row."""
    found = [each for each in (part, *part.findChildren(QWidget)) if _is_stop(each)]
    return sorted(found, key=lambda each: _place(each, part))


def _is_stop(widget: QWidget) -> bool:
    policy = widget.focusPolicy()
    return (
        (policy & Qt.FocusPolicy.TabFocus) == Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None
        and widget.isVisible()
        and widget.isEnabled()
        and not widget.rect().isEmpty()
    )


def _place(widget: QWidget, part: QWidget) -> tuple[int, int]:
    place = widget.mapTo(part, QPoint())
    return round((place.y() + min(widget.height(), 2 * ROW) / 2) / ROW), place.x()


class BarNames(QObject):
    """Gives the tab bars that a window makes for its docks, whenever it makes one, a name for who hears it."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            child = event.child()
            if isinstance(child, QTabBar):
                child.setAccessibleName(QCoreApplication.translate("tab_order", "Panels"))
        return super().eventFilter(watched, event)
