"""What a right click on one of the two canvases offers: what there is to do with a graph at which one only looks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtWidgets import QApplication, QMenu

if TYPE_CHECKING:
    from gui.compare.view import CompareView

translate = QCoreApplication.translate


def open_menu(view: CompareView, place: QPoint, node: int | None, edge: int | None = None) -> QMenu:
    """Show the menu at a point of the screen; it is gone once it is closed."""
    menu = build_menu(view, node)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(place)
    return menu


def build_menu(view: CompareView, node: int | None) -> QMenu:
    """`node` is the id of the node under the mouse (negative: of a module); the other view follows, as ever."""
    menu = QMenu(view)
    menu.setObjectName("compare_menu")
    scene, group, tree = view.scene, view.group, view.tree
    if node is not None and node < 0 and group is not None:
        closed = view.is_collapsed(group)
        label = translate("compare", "Expand the module") if closed else translate("compare", "Collapse the module")
        change = view.expand if closed else view.collapse
        menu.addAction(label).triggered.connect(partial(_call, change, group.key))
        menu.addAction(translate("compare", "Copy name")).triggered.connect(partial(_call, _copy, group.path))
        menu.addSeparator()
    elif node is not None and scene is not None and node in scene.position:
        title = scene.cards[scene.card[scene.position[node]]].title
        menu.addAction(translate("compare", "Copy name")).triggered.connect(partial(_call, _copy, title))
        menu.addSeparator()
    menu.addAction(translate("compare", "Fit the graph")).triggered.connect(lambda _=False: view.fit())
    for label, level in (
        (translate("compare", "Collapse all modules"), 0),
        (translate("compare", "Expand all modules"), None),
    ):
        action = menu.addAction(label)
        action.setEnabled(tree is not None)
        action.triggered.connect(lambda _=False, level=level: view.collapse_to(level))
    return menu


def _call(change: Callable[[str], object], text: str, _checked: bool = False) -> None:
    change(text)


def _copy(text: str) -> None:
    QApplication.clipboard().setText(text)
