"""The choices of the export dialog: a form whose rows fit the format."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QWidget,
)

from gui import theme
from gui.controls import combo_box, decimal_box, spin_box
from gui.export.films import LARGEST_GIF_FPS, even, suitable_seconds
from gui.export.options import FPS, LARGEST_SCALE, SMALLEST_SCALE, Options

if TYPE_CHECKING:
    from gui.export.subject import Subject

LARGEST_PX = 100_000  # what can be typed; whether it can be drawn is said elsewhere
LONGEST = 3600.0  # seconds


class ExportForm(QWidget):
    """`changed` tells that `options` are others than before."""

    changed = Signal()

    def __init__(self, subject: Subject, options: Options, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._subject = subject
        self._options = self._with_events(options)
        self._setting = False
        self._make_picture()
        self._make_film()
        self._lay_out()
        self._connect()
        self.set_options(self._options)

    @property
    def options(self) -> Options:
        return self._options

    def set_suffix(self, suffix: str) -> None:
        self.set_options(replace(self._options, suffix=suffix))

    def _with_events(self, options: Options) -> Options:
        first, last = self._subject.events
        return replace(options, first=first, last=last, seconds=suitable_seconds(last - first + 1))

    # --- parts -------------------------------------------------------------------------------------------------------

    def _make_picture(self) -> None:
        self.part = combo_box("export_part", [
            ("whole", self.tr("The whole graph")),
            ("view", self.tr("The view as it is seen")),
        ])  # fmt: skip
        self.colors = combo_box("export_colors", [("light", self.tr("Light")), ("dark", self.tr("Dark"))])
        self.ground = combo_box("export_ground", [
            ("theme", self.tr("As in the window")),
            ("white", self.tr("White")),
            ("transparent", self.tr("Transparent")),
        ])  # fmt: skip
        self.close_up = QCheckBox(self.tr("Shapes and norms as well"))
        self.close_up.setObjectName("export_close")
        self.legend = QCheckBox(self.tr("What the colours mean"))
        self.legend.setObjectName("export_legend")
        self.scale = decimal_box("export_scale", " ×")
        self.scale.setRange(SMALLEST_SCALE, LARGEST_SCALE)
        self.scale.setDecimals(2)
        self.scale.setSingleStep(0.5)
        self.width_px = spin_box("export_width", 1, LARGEST_PX, self.tr(" px"))
        self.height_px = spin_box("export_height", 1, LARGEST_PX, self.tr(" px"))
        self.dpi = spin_box("export_dpi", 36, 2400, self.tr(" dpi"))

    def _make_film(self) -> None:
        first, last = self._subject.events
        self.first = spin_box("export_first", first, last)
        self.last = spin_box("export_last", first, last)
        self.seconds = decimal_box("export_seconds", self.tr(" s"))
        self.seconds.setRange(0.1, LONGEST)
        self.seconds.setDecimals(1)
        self.fps = combo_box("export_fps", [(str(fps), self.tr("{0} a second").format(fps)) for fps in FPS])
        self.loop = QCheckBox(self.tr("Again and again"))
        self.loop.setObjectName("export_loop")

    def _lay_out(self) -> None:
        self._size = _row(self.width_px, QLabel("×"), self.height_px)
        self._events = _row(self.first, QLabel(self.tr("to")), self.last)
        for box, name in (
            (self.width_px, self.tr("Width")), (self.height_px, self.tr("Height")),
            (self.first, self.tr("First event")), (self.last, self.tr("Last event")),
        ):  # fmt: skip
            box.setAccessibleName(name)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(theme.MEDIUM)
        form.setVerticalSpacing(theme.SMALL)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("What"), self.part)
        form.addRow(self.tr("Colours"), self.colors)
        form.addRow(self.tr("Background"), self.ground)
        form.addRow(self.tr("Legend"), self.legend)
        form.addRow(self.tr("Events"), self._events)
        form.addRow(self.tr("Duration"), self.seconds)
        form.addRow(self.tr("Frames"), self.fps)
        form.addRow(self.tr("Repeat"), self.loop)
        form.addRow(self.tr("Scale"), self.scale)
        form.addRow(self.tr("Size"), self._size)
        form.addRow(self.tr("Resolution"), self.dpi)
        form.addRow(self.tr("Detail"), self.close_up)
        self._form = form

    def _connect(self) -> None:
        for box in (self.part, self.colors, self.ground, self.fps):
            box.currentIndexChanged.connect(self._read)
        for check in (self.close_up, self.legend, self.loop):
            check.toggled.connect(self._read)
        for spin in (self.scale, self.seconds):
            spin.valueChanged.connect(self._read)
        for number in (self.dpi, self.first, self.last):
            number.valueChanged.connect(self._read)
        self.width_px.valueChanged.connect(lambda width: self._resized(width, 0))
        self.height_px.valueChanged.connect(lambda height: self._resized(height, 1))

    # --- from the widgets, and to them -------------------------------------------------------------------------------

    def _read(self) -> None:
        if self._setting:
            return
        old = self._options
        new = replace(
            old,
            part=self.part.currentData(),
            colors=self.colors.currentData(),
            ground=self.ground.currentData(),
            close=self.close_up.isChecked(),
            legend=self.legend.isChecked(),
            scale=self.scale.value(),
            dpi=self.dpi.value(),
            first=min(self.first.value(), self.last.value()) if self.sender() is not self.first else self.first.value(),
            last=max(self.first.value(), self.last.value()) if self.sender() is self.first else self.last.value(),
            seconds=self.seconds.value(),
            fps=int(self.fps.currentData()),
            loop=self.loop.isChecked(),
        )
        if (new.first, new.last) != (old.first, old.last):
            new = replace(new, seconds=suitable_seconds(new.last - new.first + 1))
        self.set_options(new)

    def _resized(self, length: int, axis: int) -> None:
        """The other side and the scale follow one side."""
        if self._setting:
            return
        if self._options.form.group == "film":
            size = self._subject.size(self._options)
            self.set_options(replace(self._options, side=max(round(max(size) * length / size[axis]), 2)))
        else:
            scale = self._subject.scale_of(self._options, length, axis)
            self.set_options(replace(self._options, scale=min(max(scale, SMALLEST_SCALE), LARGEST_SCALE)))

    def set_options(self, options: Options) -> None:
        """Show them; what does not go with the format is hidden, and kept for another one."""
        self._options = options
        self._setting = True
        try:
            self._show_rows(options)
            for box, value in (
                (self.part, options.part), (self.colors, options.colors), (self.ground, self._ground(options)),
                (self.fps, str(options.fps)),
            ):  # fmt: skip
                box.setCurrentIndex(max(box.findData(value), 0))
            self.close_up.setChecked(options.close)
            self.legend.setChecked(options.legend)
            self.loop.setChecked(options.loop)
            self.scale.setValue(options.scale)
            self.dpi.setValue(options.dpi)
            self.first.setValue(options.first)
            self.last.setValue(options.last)
            self.seconds.setValue(options.seconds)
            self._show_size(options)
        finally:
            self._setting = False
        self.changed.emit()

    def _show_rows(self, options: Options) -> None:
        form, film = options.form, options.form.group == "film"
        drawn = form.group != "data"
        rows = (
            (self.part, drawn),
            (self.colors, drawn),
            (self.ground, drawn),
            (self.legend, drawn),
            (self.close_up, drawn and options.part == "whole"),
            (self.scale, form.group == "picture"),
            (self._size, drawn),
            (self.dpi, form.suffix == "png"),
            (self._events, film),
            (self.seconds, film),
            (self.fps, film),
            (self.loop, form.suffix == "gif"),
        )
        for widget, shown in sorted(rows, key=lambda row: row[1]):
            self._form.setRowVisible(widget, shown)  # at once: with all rows the dialog would grow, and stay so
        _allow(self.ground, "transparent", not film)
        _allow(self.ground, "white", options.colors == "light")
        for fps in FPS:
            _allow(self.fps, str(fps), form.suffix != "gif" or fps <= LARGEST_GIF_FPS)

    def _show_size(self, options: Options) -> None:
        if options.form.group == "film":
            sides = self._subject.size(options)
            width, height = (even(side * options.side / max(sides)) for side in sides)
        else:
            camera = self._subject.camera(options)
            width, height = camera.width, camera.height
        # What the user is typing is not rounded under their hands.
        for box, length in ((self.width_px, width), (self.height_px, height)):
            if not box.hasFocus() or abs(box.value() - length) > 1:
                box.setValue(length)

    @staticmethod
    def _ground(options: Options) -> str:
        return effective_ground(options)


def effective_ground(options: Options) -> str:
    """What the chosen one comes to: no film is transparent, and light text is not for white paper."""
    film = options.form.group == "film"
    impossible = (options.ground == "transparent" and film) or (options.ground == "white" and options.colors == "dark")
    return "theme" if impossible else options.ground


def _row(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.SMALL)
    for widget in widgets:
        row.addWidget(widget, 0 if isinstance(widget, QLabel) else 1)
    return holder


def _allow(box: QComboBox, key: str, possible: bool) -> None:
    """Grey out a choice that makes no sense now."""
    from PySide6.QtGui import QStandardItemModel

    model = box.model()
    if isinstance(model, QStandardItemModel):
        model.item(box.findData(key)).setEnabled(possible)
