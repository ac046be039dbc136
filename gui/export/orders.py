"""From the choices to what is to be done: an `Order` knows its size, says it, draws its preview, and writes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QCoreApplication

from engine.errors import UsageError
from gui.canvas.export_image import INCH, UNITS, Ground, Look, largest_scale, named_theme, write_picture
from gui.export.data import write_data
from gui.export.films import LARGEST_SIDE, MOST_FRAMES, Reel, film_camera, theme_of
from gui.export.form import effective_ground
from gui.export.options import Options

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.export.subject import Subject

LARGEST_GIF_AREA = 4_000_000  # px
CENTIMETRE = 100


@dataclass(frozen=True, eq=False)
class Order:
    """`camera` and `look` are those of a picture or film, `reel` that of a film. `facts` says what it will be."""

    subject: Subject
    options: Options
    facts: str
    camera: Camera | None = None
    look: Look | None = None
    reel: Reel | None = None

    def files(self, path: Path) -> tuple[Path, ...]:
        """What may be written if `path` is asked for: a program's large numbers stand in a file of their own."""
        return (path, path.with_suffix(".npz")) if self.options.suffix == "py" else (path,)

    def write(self, path: Path) -> None:
        """A picture or data, in any thread. Raises ChainruleError."""
        if self.camera is not None and self.look is not None:
            write_picture(self.subject.own_readings(), self.camera, path, self.look)
        else:
            write_data(self.subject, self.options.suffix, path)


def order_of(subject: Subject, options: Options) -> Order:
    """Raises UsageError if it cannot be done; its message says how it could."""
    group = options.form.group
    if group != "data":
        subject = subject.drawn_in(named_theme(options.colors))
    if group == "picture":
        return _picture(subject, options)
    return _film(subject, options) if group == "film" else Order(subject, options, _facts_of_data(subject, options))


def look_of(subject: Subject, options: Options) -> Look:
    return Look(
        named_theme(options.colors), cast("Ground", effective_ground(options)), options.dpi, subject.key(options)
    )


def _picture(subject: Subject, options: Options) -> Order:
    camera = subject.camera(options)
    if options.suffix == "png" and (more := largest_scale(camera)) < 1.0:
        text = _tr("{0} × {1} px are too many for an image. The largest scale here is {2}; SVG and PDF have no limit.")
        largest = f"{int(options.scale * more * 100) / 100:g} ×"
        raise UsageError(text.format(f"{camera.width:,}", f"{camera.height:,}", largest))
    dpi = options.dpi if options.suffix == "png" else UNITS
    printed = [f"{length / dpi * INCH * CENTIMETRE:.1f}" for length in (camera.width, camera.height)]
    size = _tr("{0} × {1} px").format(f"{camera.width:,}", f"{camera.height:,}")
    paper = _tr("{0} × {1} cm on paper").format(*printed)
    return Order(subject, options, f"{size} · {paper}", camera, look_of(subject, options))


def _film(subject: Subject, options: Options) -> Order:
    camera = film_camera(subject.camera(options, 1.0), options.side)
    size = f"{camera.width:,} × {camera.height:,}"
    if max(camera.width, camera.height) > LARGEST_SIDE:
        raise UsageError(_tr("{0} px are too many for a video: at most {1} a side.").format(size, LARGEST_SIDE))
    if options.suffix == "gif" and camera.width * camera.height > LARGEST_GIF_AREA:
        raise UsageError(_tr("{0} px are too many for a GIF; make it smaller, or take a video.").format(size))
    look = look_of(subject, options)
    reel = Reel(
        subject.recording, subject.picture.scene, subject.wish.graph_id, camera, theme_of(look.theme, look.ground),
        options.first, options.last, options.seconds, options.fps, subject.picture.fills, look.key,
    )  # fmt: skip
    if reel.count > MOST_FRAMES:
        raise UsageError(_tr("{0} frames are too many; make it shorter.").format(f"{reel.count:,}"))
    events = options.last - options.first + 1
    facts = _tr("{0} px · {1} events, {2} a second · {3} frames")
    return Order(
        subject, options, facts.format(size, f"{events:,}", f"{reel.speed:.1f}", f"{reel.count:,}"), camera, look, reel
    )


def _facts_of_data(subject: Subject, options: Options) -> str:
    if options.suffix == "py":
        text = _tr("Training step {0}, with the numbers it began with; if they are many, in an .npz file beside it.")
        return text.format(f"{subject.step + 1:,}")
    nodes = sum(
        node.kind != "data" or subject.wish.data_leaves for node in subject.recording.nodes(subject.wish.graph_id)
    )
    return _tr("{0} nodes with names, modules, shapes, gradient norms and places.").format(f"{nodes:,}")


_tr = partial(QCoreApplication.translate, "Export")
