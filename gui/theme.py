"""The look: every colour, distance, radius and font that the window uses, for dark and for light.

    from gui import theme

    theme.apply(app, "system")             # once at the start, and again whenever the user chooses
    theme.current().backward               # the QColor of gradients, everywhere
    theme.switch.changed.connect(redraw)   # after every change, the system's included

Colours have one meaning each: `forward` values, `backward` gradients, `update` parameters, `accent` selection and
focus, `proved` what was computed again and agrees. `warn`, `error`, `accent` and `proved` never stand alone: an icon,
a shape or a word comes with them. Contrast and
separation of the colours (also for colour-blind eyes) are checked in tests/gui/test_theme.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from gui.ramps import diverging, sequential

__all__ = [
    "CATEGORIES",
    "DARK",
    "LIGHT",
    "Choice",
    "Theme",
    "apply",
    "blend",
    "caption_font",
    "current",
    "diverging",
    "mono_font",
    "palette",
    "reduced_motion",
    "sequential",
    "set_reduced_motion",
    "space",
    "switch",
    "title_font",
    "ui_font",
]

Choice = Literal["dark", "light", "system"]

STEP = 4  # px; all distances are multiples of it
TIGHT, SMALL, MEDIUM, LARGE, WIDE = 4, 8, 12, 16, 24  # MEDIUM is the breathing space inside a panel
RADIUS, RADIUS_CHIP = 6, 4
LINE = 1
CONTROL_HEIGHT = 28
ICON, ICON_TRANSPORT = 16, 20
TEXT_PX, TITLE_PX, CAPTION_PX = 13, 15, 11
REDUCED_MOTION = "CHAINRULE_REDUCED_MOTION"  # environment: 1 for no motion, 0 for motion whatever the system says
FLY_MS = 250
NOT_YET = 0.45  # strength of what the playhead has not reached
PLAIN_INKS = (QColor("black"), QColor("white"))  # one of them can be read on any fill

CATEGORIES: tuple[str, ...] = (
    "linear", "normalization", "activation", "shape", "reduction", "loss", "arithmetic", "attention", "parameter",
    "data", "other",
)  # fmt: skip

# What a node's fill says instead of its category where nodes are coloured by their proof.
PROOFS: tuple[str, ...] = ("proof_good", "proof_quiet", "proof_wrong", "proof_unknown", "proof_none")

_FONT_FILE = Path(__file__).resolve().parent.parent / "resources" / "fonts" / "JetBrainsMono-Regular.ttf"


@dataclass(frozen=True, eq=False)
class Theme:
    """One set of colours. `categories` are node fills, by the names that `engine.graph.category` gives."""

    name: Literal["dark", "light"]
    bg: QColor  # the canvas
    surface: QColor  # panels
    raised: QColor  # cards, menus, buttons
    line: QColor  # one-pixel lines
    text: QColor
    dim: QColor
    forward: QColor
    backward: QColor
    update: QColor
    accent: QColor
    warn: QColor
    error: QColor
    proved: QColor  # computed again by hand, and compared
    categories: Mapping[str, QColor]
    ramp: tuple[QColor, ...]  # from least to most
    ramp_signed: tuple[QColor, QColor, QColor]  # negative, zero, positive

    @property
    def is_dark(self) -> bool:
        return self.name == "dark"

    @property
    def field(self) -> QColor:
        """The ground of what one writes in."""
        return self.bg if self.is_dark else self.surface

    @property
    def hover(self) -> QColor:
        """The ground of what the mouse is over."""
        return blend(self.raised, self.text, 0.08)

    @property
    def pressed(self) -> QColor:
        return blend(self.raised, self.text, 0.16)

    @property
    def selected(self) -> QColor:
        """The ground of selected rows and text; `text` on it stays readable."""
        return blend(self.surface, self.accent, 0.28 if self.is_dark else 0.16)

    @property
    def edge(self) -> QColor:
        """A link of the graph along which nothing has travelled yet."""
        return blend(self.bg, self.dim, 0.42 if self.is_dark else 0.5)

    def phase(self, name: str) -> QColor:
        """The colour of "forward", "backward" or "update"."""
        return {"forward": self.forward, "backward": self.backward, "update": self.update}[name]

    def category(self, name: str) -> QColor:
        """The fill of a node of this category or of these PROOFS; that of "other" for one that is not known."""
        if name in PROOFS:
            return self._proof_fill(name)
        return self.categories.get(name, self.categories["other"])

    def _proof_fill(self, name: str) -> QColor:
        share = {"proof_good": 0.27, "proof_wrong": 0.4} if self.is_dark else {"proof_good": 0.2, "proof_wrong": 0.14}
        mixed = {
            "proof_good": (self.proved, share["proof_good"]),
            "proof_quiet": (self.dim, 0.2),
            "proof_wrong": (self.error, share["proof_wrong"]),
            "proof_unknown": (self.warn, 0.22 if self.is_dark else 0.18),
            "proof_none": (self.dim, 0.06),
        }
        return blend(self.surface, *mixed[name])


def blend(a: QColor, b: QColor, share: float) -> QColor:
    """An opaque colour on the way from `a` (0.0) to `b` (1.0)."""
    start, end = a.getRgb(), b.getRgb()
    return QColor(*(round(x + (y - x) * share) for x, y in zip(start[:3], end[:3], strict=True)))  # type: ignore[index]


def _colors(**codes: str) -> dict[str, QColor]:
    return {name: QColor(code) for name, code in codes.items()}


DARK = Theme(
    name="dark",
    **_colors(
        bg="#14161B", surface="#1B1E25", raised="#252A34", line="#343B48", text="#E8EBF0", dim="#A7B0BE",
        forward="#5AA9FF", backward="#FF9A3D", update="#9BF6D2", accent="#F5A3F0", warn="#F2DB5A", error="#FF5D7A",
        proved="#6FD08C",
    ),
    categories=_colors(
        linear="#2C4A6E", normalization="#4A3E6B", activation="#6B4A1F", shape="#3A404C", reduction="#1F5A52",
        loss="#6E2F45", arithmetic="#3D5A2A", attention="#5A3560", parameter="#2A2E37", data="#20242C", other="#3A404C",
    ),
    ramp=tuple(QColor(code) for code in ("#1B1E25", "#2E3F7F", "#1F7F97", "#5FBF7B", "#F7EE9A")),
    ramp_signed=(QColor("#A98BFF"), QColor("#20242C"), QColor("#4FD08C")),
)  # fmt: skip

LIGHT = Theme(
    name="light",
    **_colors(
        bg="#F5F6F8", surface="#FFFFFF", raised="#FFFFFF", line="#D9DDE4", text="#1A1E26", dim="#566070",
        forward="#0B5FC0", backward="#B4540A", update="#00503D", accent="#A3169B", warn="#7A6200", error="#D0103F",
        proved="#1C7A3E",
    ),
    categories=_colors(
        linear="#CFE2FA", normalization="#E0D8F7", activation="#FBE3C4", shape="#E6E9EE", reduction="#CDEDE5",
        loss="#F9D3DD", arithmetic="#DDEBCB", attention="#F0D5F2", parameter="#F4F5F7", data="#FFFFFF", other="#E6E9EE",
    ),
    ramp=tuple(QColor(code) for code in ("#F7F8FA", "#A8DDB5", "#3FA3B5", "#2B5AA0", "#241B55")),
    ramp_signed=(QColor("#6A3FC4"), QColor("#F7F8FA"), QColor("#0C7A45")),
)  # fmt: skip


def __getattr__(name: str) -> Any:
    """`diverging` and `sequential` need numpy, and the window's first picture must not wait for it."""
    if name not in ("diverging", "sequential"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gui import ramps

    return getattr(ramps, name)


class Switch(QObject):
    """Holds the theme that is in force and tells when another one is."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.theme = DARK
        self.choice: Choice = "system"
        self.reduced_motion: bool | None = None
        self.desktop_reduces = False  # what `gui.desktop` has been told
        self._follows = False

    def follow(self, app: QGuiApplication) -> None:
        """Change along with the system from now on, as long as the choice is "system"."""
        if not self._follows:
            app.styleHints().colorSchemeChanged.connect(self._system_changed)
            app.aboutToQuit.connect(self._stop)
            self._follows = True

    def _stop(self) -> None:
        self._follows = False

    def _system_changed(self) -> None:
        app = QApplication.instance()
        if self.choice == "system" and isinstance(app, QApplication):
            _put_on(app, _of_system(app))


switch = Switch()


def current() -> Theme:
    """The theme in force; dark before the first `apply`."""
    return switch.theme


def apply(app: QApplication, choice: Choice = "system") -> Theme:
    """Give the whole application the dark or light look, or the one that the system asks for."""
    switch.choice = choice
    switch.follow(app)
    hints = app.styleHints()
    if choice == "system":
        hints.unsetColorScheme()
        chosen = _of_system(app)
    else:
        chosen = DARK if choice == "dark" else LIGHT
        hints.setColorScheme(Qt.ColorScheme.Dark if choice == "dark" else Qt.ColorScheme.Light)
    _put_on(app, chosen)
    return chosen


def _of_system(app: QGuiApplication) -> Theme:
    """Dark also where the system does not say."""
    return LIGHT if app.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK


def _put_on(app: QApplication, theme: Theme) -> None:
    from gui.stylesheet import stylesheet

    first = app.style().objectName().lower() != "fusion"
    if first:
        app.setStyle("Fusion")
    switch.theme = theme
    app.setFont(ui_font())
    app.setPalette(palette(theme))
    for kind in ("QCheckBox", "QRadioButton"):
        app.setPalette(outlined(theme), kind)  # type: ignore[arg-type] # the stubs want bytes, PySide wants a string
    app.setStyleSheet(stylesheet(theme))
    switch.changed.emit()


def outlined(theme: Theme) -> QPalette:
    """Of boxes to tick: Fusion darkens the window's colour for their outline, which on dark ground leaves none."""
    result = palette(theme)
    result.setColor(QPalette.ColorRole.Window, blend(theme.surface, theme.text, 0.75 if theme.is_dark else 0.1))
    return result


def palette(theme: Theme) -> QPalette:
    """The colours by the roles that Qt's own drawing asks for."""
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.surface, role.WindowText: theme.text, role.Base: theme.field,
        role.AlternateBase: blend(theme.surface, theme.text, 0.03), role.Text: theme.text, role.Button: theme.raised,
        role.ButtonText: theme.text, role.BrightText: theme.error, role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text, role.PlaceholderText: theme.dim, role.Highlight: theme.selected,
        role.HighlightedText: theme.text, role.Link: theme.forward, role.LinkVisited: theme.forward,
        role.Accent: theme.accent, role.Light: blend(theme.raised, theme.text, 0.10), role.Mid: theme.line,
        role.Midlight: blend(theme.raised, theme.text, 0.05), role.Dark: theme.line, role.Shadow: theme.bg,
    }  # fmt: skip
    result = QPalette()
    for each, color in colors.items():
        result.setColor(each, color)
    faded = blend(theme.surface, theme.dim, 0.55)
    for each in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, each, faded)
    return result


def space(steps: int) -> int:
    """So many steps of 4 px."""
    return STEP * steps


def ui_font(px: int = TEXT_PX, *, semibold: bool = False) -> QFont:
    """The system's own font, at `px` pixels."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(px)
    font.setWeight(QFont.Weight.DemiBold if semibold else QFont.Weight.Normal)
    return font


def title_font() -> QFont:
    return ui_font(TITLE_PX, semibold=True)


def caption_font() -> QFont:
    return ui_font(CAPTION_PX)


def mono_font(px: int = TEXT_PX) -> QFont:
    """The font of numbers and of code: all figures have the same width."""
    font = QFont(_mono_family())
    font.setPixelSize(px)
    font.setStyleHint(QFont.StyleHint.Monospace)
    # Ligatures would make "!=" or "->" one sign, and columns would not line up with the source.
    font.setFeature(QFont.Tag("calt"), 0)
    return font


@lru_cache(maxsize=1)
def _mono_family() -> str:
    """The bundled font, or the system's where it cannot be loaded."""
    number = QFontDatabase.addApplicationFont(str(_FONT_FILE))
    families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    return families[0] if families else QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()


def set_reduced_motion(on: bool | None) -> None:
    """Without motion, with it, or (None) as the system says."""
    switch.reduced_motion = on


def reduced_motion() -> bool:
    """Whether things should jump instead of move: as chosen, else as the environment says, else as the system does."""
    if switch.reduced_motion is not None:
        return switch.reduced_motion
    asked = os.environ.get(REDUCED_MOTION, "").strip().lower()
    if asked:
        return asked not in ("0", "false", "no", "off")
    if sys.platform in ("win32", "darwin"):
        app = QApplication.instance()
        return isinstance(app, QApplication) and not app.isEffectEnabled(Qt.UIEffect.UI_General)
    return switch.desktop_reduces or _desktop_without_motion()


@lru_cache(maxsize=1)
def _desktop_without_motion() -> bool:
    """What the settings of GTK and KDE say; Qt does not ask them."""
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation))
    for name, key, values in (
        ("gtk-4.0/settings.ini", "gtk-enable-animations", ("0", "false")),
        ("gtk-3.0/settings.ini", "gtk-enable-animations", ("0", "false")),
        ("kdeglobals", "AnimationDurationFactor", ("0", "0.0")),
    ):
        try:
            lines = (folder / name).read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            found, _, value = line.partition("=")
            if found.strip() == key and value.strip().lower() in values:
                return True
    return False
