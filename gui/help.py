"""The list of shortcuts, and what chainrule is."""

from __future__ import annotations

from importlib import metadata

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.actions import ACTIONS, Actions, menu_path, translate


class ShortcutsDialog(QDialog):
    """Every action that has a shortcut, by menu."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts_dialog")
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels([self.tr("Action"), self.tr("Keys"), self.tr("What it does")])
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.tree.setAccessibleName(self.windowTitle())
        self.tree.setRootIsDecorated(False)
        self._fill(actions)
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.MEDIUM, theme.MEDIUM, theme.MEDIUM, theme.MEDIUM)
        column.addWidget(self.tree)
        column.addWidget(buttons)
        self.resize(960, 640)
        self.tree.setCurrentIndex(self.tree.model().index(0, 0))  # arrow keys go on from there
        self.tree.setFocus()

    def _fill(self, actions: Actions) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for spec in ACTIONS:
            shortcuts = actions[spec.id].shortcuts()
            if not shortcuts:
                continue
            where = menu_path(spec)
            if where not in groups:
                groups[where] = QTreeWidgetItem(self.tree, [where])
                groups[where].setFont(0, theme.ui_font(semibold=True))
            keys = ", ".join(keys.toString(QKeySequence.SequenceFormat.NativeText) for keys in shortcuts)
            row = QTreeWidgetItem(groups[where], [translate(spec.label).rstrip("…"), keys, translate(spec.tip)])
            row.setToolTip(2, translate(spec.tip))
        self.tree.expandAll()


class AboutDialog(QDialog):
    """Name, version, licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about_dialog")
        self.setWindowTitle(self.tr("About chainrule"))
        name = QLabel("chainrule")
        name.setFont(theme.ui_font(24, semibold=True))
        text = QLabel(self.tr("See what loss.backward() and optimizer.step() really do, on your own program."))
        text.setWordWrap(True)
        version = QLabel(self.tr("Version {0} · MIT licence").format(version_text()))
        version.setProperty("role", "dim")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.WIDE, theme.WIDE, theme.WIDE, theme.MEDIUM)
        column.setSpacing(theme.SMALL)
        for part in (name, text, version):
            column.addWidget(part)
        column.addSpacing(theme.SMALL)
        column.addWidget(buttons)
        self.setMinimumWidth(400)


def version_text() -> str:
    try:
        return metadata.version("chainrule")
    except metadata.PackageNotFoundError:
        return "0.1.0"  # run from a checkout that is not installed
