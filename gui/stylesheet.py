"""One style sheet for the whole application, written from a theme's tokens.

Check boxes are left to Fusion and the palette. Combo and spin boxes have arrows of their own, since Fusion does not
show which of them has the focus.
Widgets ask for a variant with a dynamic property: `button.setProperty("role", "primary")` for the one main button of a
dialog, `label.setProperty("role", "title" | "caption" | "dim" | "mono")`.
"""

from __future__ import annotations

from pathlib import Path
from string import Template

from gui import theme as tokens
from gui.theme import Theme, blend

ARROWS = Path(__file__).resolve().parent.parent / "resources" / "icons"

_SHEET = Template(
    """
QMainWindow::separator { background: $line; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $accent; }
QSplitter::handle { background: $line; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }

QMenuBar { background: $surface; border-bottom: 1px solid $line; padding: 2px 8px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 4px 24px 4px 12px; border-radius: 4px; min-height: 20px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $faded; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px 8px; }

QToolBar { background: $surface; border: none; border-bottom: 1px solid $line; spacing: 4px; padding: 4px 8px; }
QToolBar::separator { background: $line; width: 1px; margin: 4px 4px; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px; color: $text; }
QToolButton:hover { background: $hover; }
QToolButton:pressed, QToolButton:checked { background: $pressed; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $faded; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton#qt_toolbar_ext_button { padding: 0; border-width: 0; border-radius: 3px; }

QPushButton { background: $raised; border: 1px solid $outline; border-radius: 6px; padding: 4px 12px; min-height: 18px;
    color: $text; }
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $pressed; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faded; background: $surface; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton:flat { background: transparent; border-color: transparent; }
QPushButton[role="primary"] { background: $primary; border-color: $primary; color: $on_primary; font-weight: 600; }
QPushButton[role="primary"]:hover { background: $primary_hover; }
QPushButton[role="primary"]:focus { border-color: $accent; }
QPushButton[role="primary"]:disabled { background: $pressed; border-color: $pressed; color: $faded; }

QDockWidget { color: $dim; titlebar-close-icon: none; }
QDockWidget::title { background: $surface; padding: 8px 12px; border-bottom: 1px solid $line; text-align: left; }
QTabWidget::pane { border: none; border-top: 1px solid $line; }
QTabBar { qproperty-drawBase: 0; background: $surface; }
QTabBar::tab { background: transparent; color: $dim; border: none; border-bottom: 2px solid transparent;
    padding: 8px 12px 6px 12px; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $accent; }

QLineEdit, QPlainTextEdit, QTextEdit, QTextBrowser { background: $base; border: 1px solid $outline; border-radius: 6px;
    selection-background-color: $selected; selection-color: $text; }
QLineEdit { padding: 4px 8px; min-height: 18px; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus { border-color: $accent; }
QDockWidget QPlainTextEdit, QDockWidget QTextEdit, QDockWidget QTextBrowser { border: none; border-radius: 0; }

QComboBox { background: $raised; border: 1px solid $outline; border-radius: 6px; padding: 2px 4px 2px 8px;
    min-height: 22px; color: $text; }
QComboBox:hover { background: $hover; }
QComboBox:focus { border-color: $accent; }
QComboBox:disabled { background: $surface; color: $faded; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("$arrow"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $line; }

QAbstractSpinBox { background: $base; border: 1px solid $outline; border-radius: 6px;
    min-height: 26px; max-height: 26px; color: $text; selection-background-color: $selected; selection-color: $text; }
QAbstractSpinBox:focus { border-color: $accent; }
QAbstractSpinBox:disabled { background: $surface; color: $faded; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: 20px; border: none;
    background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; margin: 2px 2px 0 0; border-top-right-radius: 4px; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; margin: 0 2px 2px 0;
    border-bottom-right-radius: 4px; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $hover; }
QAbstractSpinBox::up-button:pressed, QAbstractSpinBox::down-button:pressed { background: $pressed; }
QAbstractSpinBox::up-arrow { image: url("$arrow_up"); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url("$arrow"); width: 10px; height: 10px; }
QAbstractSpinBox::up-arrow:off, QAbstractSpinBox::down-arrow:off, QAbstractSpinBox::up-arrow:disabled,
    QAbstractSpinBox::down-arrow:disabled { image: none; }

QTableView, QTreeView, QListView { background: $surface; alternate-background-color: $alternate; border: none;
    gridline-color: $grid; selection-background-color: $selected; selection-color: $text; outline: none; }
QTableView::item { padding: 2px 8px; }
QTreeView::item, QListView::item { padding: 4px 8px; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected { background: $selected; color: $text; }
QListView::item:hover, QTreeView::item:hover { background: $hover; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section { background: $surface; color: $dim; border: none; border-bottom: 1px solid $line;
    padding: 4px 8px; font-size: 11px; }
QTableCornerButton::section { background: $surface; border: none; border-bottom: 1px solid $line; }

QSlider::groove:horizontal { height: 4px; background: $track; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $dim; border-radius: 2px; }
QSlider::handle:horizontal { background: $text; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { background: $accent; }
QProgressBar { background: $track; border: none; border-radius: 3px; max-height: 6px; color: transparent; }
QProgressBar::chunk { background: $forward; border-radius: 3px; }

QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $thumb; border-radius: 3px; margin: 3px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover { background: $dim; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }

QGroupBox { border: none; border-top: 1px solid $line; margin-top: 16px; padding-top: 8px; }
QGroupBox::title { subcontrol-origin: margin; subcontrol-position: top left; color: $dim; padding: 0 8px 0 0; }
QStatusBar { background: $surface; border-top: 1px solid $line; color: $dim; }
QStatusBar::item { border: none; }

QLabel[role="title"] { font-size: 15px; font-weight: 600; }
QLabel[role="caption"] { font-size: 11px; color: $dim; }
QLabel[role="dim"] { color: $dim; }
QLabel[role="mono"] { font-family: "$mono"; }
QFrame[role="card"] { background: $raised; border: 1px solid $outline; border-radius: 6px; }
"""
)


def stylesheet(theme: Theme) -> str:
    """The sheet in this theme's colours."""
    named = {
        name: getattr(theme, name).name()
        for name in ("surface", "raised", "line", "text", "dim", "forward", "accent", "hover", "pressed", "selected")
    }
    primary = theme.forward
    mixed = {
        "base": theme.field,
        "outline": blend(theme.line, theme.text, 0.06 if theme.is_dark else 0.1),
        "faded": blend(theme.surface, theme.dim, 0.55),
        "grid": blend(theme.surface, theme.line, 0.5),
        "alternate": blend(theme.surface, theme.text, 0.025),
        "track": blend(theme.surface, theme.text, 0.14),
        "thumb": blend(theme.surface, theme.text, 0.24),
        "primary": primary,
        "primary_hover": blend(primary, theme.text, 0.15),
        "on_primary": theme.bg if theme.is_dark else theme.surface,
    }
    shade = "dark" if theme.is_dark else "light"
    arrows = {name: (ARROWS / f"{name}-{shade}.svg").as_posix() for name in ("arrow", "arrow_up")}
    colors = {name: color.name() for name, color in mixed.items()}
    return _SHEET.substitute(named, **arrows, mono=tokens.mono_font().family(), **colors)
