"""What can be exported, and how: plain data, and what of it is remembered."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QSettings

from gui.canvas.export_image import UNITS, Ground

CONTEXT = "Export"
KEY = "export"

Group = Literal["picture", "film", "data"]
Part = Literal["whole", "view"]
Colors = Literal["light", "dark"]


@dataclass(frozen=True)
class Format:
    """A kind of file. `name` is what the user chooses; `purpose` says, in a few words, what for."""

    suffix: str
    group: Group
    name: str
    purpose: str


FORMATS: tuple[Format, ...] = (
    Format("png", "picture", "PNG", str(QT_TRANSLATE_NOOP("Export", "Pixels, for any program"))),
    Format("svg", "picture", "SVG", str(QT_TRANSLATE_NOOP("Export", "Shapes and text, for the web and for editing"))),
    Format("pdf", "picture", "PDF", str(QT_TRANSLATE_NOOP("Export", "Shapes and text on one page, for papers"))),
    Format("gif", "film", "GIF", str(QT_TRANSLATE_NOOP("Export", "A training step, for pages and chats"))),
    Format("mp4", "film", "MP4", str(QT_TRANSLATE_NOOP("Export", "A training step as a video, for slides"))),
    Format("webm", "film", "WebM", str(QT_TRANSLATE_NOOP("Export", "A training step as a video, for the web"))),
    Format("graphml", "data", "GraphML", str(QT_TRANSLATE_NOOP("Export", "For yEd, Gephi, Cytoscape"))),
    Format("dot", "data", "DOT", str(QT_TRANSLATE_NOOP("Export", "For Graphviz"))),
    Format("json", "data", "JSON", str(QT_TRANSLATE_NOOP("Export", "Node-link form, for NetworkX and D3"))),
    Format("py", "data", "Python", str(QT_TRANSLATE_NOOP("Export", "The training step as a program, in NumPy"))),
)
BY_SUFFIX = {form.suffix: form for form in FORMATS}
SMALLEST_SCALE, LARGEST_SCALE = 0.02, 40.0
FPS = (10, 15, 20, 25, 30, 50, 60)


@dataclass(frozen=True)
class Options:
    """What the dialog asks for. `scale` is px for one unit of a picture; `side` the longer side of a film in px.

    `close`: with shapes and norms, whatever the scale. `legend`: with one. `first`, `last` and `seconds` belong to one
    recording and are not remembered; `seconds` 0: as long as suits.
    """

    suffix: str = "png"
    part: Part = "whole"
    colors: Colors = "light"
    ground: Ground = "theme"
    close: bool = False
    legend: bool = True
    scale: float = 2.0
    dpi: int = UNITS
    side: int = 1280
    fps: int = 25
    loop: bool = True
    first: int = 0
    last: int = 0
    seconds: float = 0.0

    @property
    def form(self) -> Format:
        return BY_SUFFIX[self.suffix]


_REMEMBERED = ("suffix", "part", "colors", "ground", "close", "legend", "scale", "dpi", "side", "fps", "loop")
_CHOICES: dict[str, tuple[object, ...]] = {
    "suffix": tuple(BY_SUFFIX),
    "part": ("whole", "view"),
    "colors": ("light", "dark"),
    "ground": ("theme", "white", "transparent"),
    "fps": FPS,
}
_LIMITS: dict[str, tuple[float, float]] = {
    "scale": (SMALLEST_SCALE, LARGEST_SCALE),
    "dpi": (36, 2400),
    "side": (64, 8192),
}


def remembered(store: QSettings, colors: Colors) -> Options:
    """The last choice; what makes no sense, from whatever version, is as at first. `colors` are those of the window."""
    options = Options(colors=colors)
    for field in fields(Options):
        if field.name not in _REMEMBERED:
            continue
        value = _read(store.value(f"{KEY}/{field.name}"), getattr(options, field.name))
        low, high = _LIMITS.get(field.name, (0, 1))
        if value is not None and value in _CHOICES.get(field.name, (value,)):
            if field.name in _LIMITS and not low <= value <= high:
                continue
            options = replace(options, **{field.name: value})
    return options


def remember(store: QSettings, options: Options) -> None:
    for name, value in asdict(options).items():
        if name in _REMEMBERED:
            store.setValue(f"{KEY}/{name}", value)


def _read(stored: Any, default: Any) -> Any:
    """As a value of the default's type; None if it is none."""
    if stored is None:
        return None
    if isinstance(default, bool):
        return {"true": True, "false": False, "1": True, "0": False}.get(str(stored).lower())
    try:
        return type(default)(stored)
    except (TypeError, ValueError):
        return None


def words(text: str) -> str:
    """A string of FORMATS in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)
