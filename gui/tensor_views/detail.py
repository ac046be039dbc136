"""One tensor in four views: heat map, histogram, statistics, table."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QTabBar, QVBoxLayout, QWidget

from engine.recording.model import Phase, Tensor
from gui import numbers, theme
from gui.controls import give_room
from gui.tensor_views.facts import Fact, FactList
from gui.tensor_views.heatmap import HeatMap
from gui.tensor_views.histogram import HistogramView
from gui.tensor_views.loaded import Loaded
from gui.tensor_views.planes import Plane, choices, plane
from gui.tensor_views.table import TensorTable
from gui.wrapped import WrappedLabel

translate = QCoreApplication.translate

VIEWS = ("heat_map", "histogram", "statistics", "table")


@dataclass(frozen=True)
class Looking:
    """Which view of a tensor the user has chosen, and which slice; a tensor that lacks it shows the nearest it has."""

    view: str = VIEWS[0]
    leading: tuple[int, ...] = ()


def remark_of(tensor: Tensor) -> str:
    """What is missing because of the recording's level; "" if nothing is."""
    if tensor.level == "stats":
        return translate(
            "tensor_detail", "Only statistics were recorded (level \u201cstats\u201d): no heat map, no table."
        )
    if tensor.level == "preview" and tensor.data_shape is not None:
        kept, whole = numbers.shape(tensor.data_shape), numbers.shape(tensor.shape)
        return translate("tensor_detail", "Preview: {kept} evenly spaced elements of {whole}.").format(
            kept=kept, whole=whole
        )
    return ""


def statistics_facts(tensor: Tensor) -> tuple[Fact, ...]:
    """All statistics, their numbers aligned at the decimal point."""
    s = tensor.statistics
    measured = {
        "min": (translate("tensor_detail", "min"), s.min),
        "max": (translate("tensor_detail", "max"), s.max),
        "mean": (translate("tensor_detail", "mean"), s.mean),
        "std": (translate("tensor_detail", "std"), s.std),
        "norm": (translate("tensor_detail", "norm"), s.norm),
    }
    counted = {
        "elements": (translate("tensor_detail", "elements"), tensor.numel),
        "zeros": (translate("tensor_detail", "zeros"), s.zeros),
        "nans": ("NaN", s.nans),
        "infs": ("Inf", s.infs),
    }
    rows = [(key, label, value) for key, (label, value) in (measured | counted).items()]
    texts = numbers.align([numbers.number(value) for _, _, value in rows])
    widest = max(len(text) for text in texts)
    return tuple(
        Fact(key, label, text.rjust(widest, numbers.FIGURE_SPACE), numbers.full(value))
        for (key, label, value), text in zip(rows, texts, strict=True)
    )


class TensorDetail(QWidget):
    """Shows a `Loaded` tensor as `Looking` says; `looked` tells when the user chooses another view or slice.

    A view is made when it is first chosen.
    """

    looked = Signal(object)
    element_chosen = Signal(object)  # the index of a number that was clicked; not of a preview, which lacks some

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loaded: Loaded | None = None
        self._phase: Phase = "forward"
        self._looking = Looking()
        self._marked: tuple[int, ...] | None = None
        self._views: dict[str, QWidget] = {}
        self._spins: list[QSpinBox] = []
        self._tabs = QTabBar(self)
        self._tabs.setExpanding(False)
        self._tabs.setDrawBase(False)
        self._tabs.setAccessibleName(translate("tensor_detail", "View of the tensor"))
        for label in (
            translate("tensor_detail", "Heat map"),
            translate("tensor_detail", "Histogram"),
            translate("tensor_detail", "Statistics"),
            translate("tensor_detail", "Table"),
        ):
            self._tabs.addTab(label)
        self._tabs.currentChanged.connect(self._tab_chosen)
        self._remark = WrappedLabel(self)
        self._remark.setProperty("role", "caption")
        self._slices = QWidget(self)
        self._slice_layout = QHBoxLayout(self._slices)
        self._slice_layout.setContentsMargins(0, 0, 0, 0)
        self._slice_layout.setSpacing(theme.TIGHT)
        self._slice_layout.addWidget(QLabel(translate("tensor_detail", "slice")))
        self._slice_layout.addStretch(1)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, theme.SMALL)
        self._layout.setSpacing(theme.SMALL)
        for widget in (self._tabs, self._remark, self._slices):
            self._layout.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._restyle()
        theme.switch.changed.connect(self._restyle)

    @property
    def looking(self) -> Looking:
        return self._looking

    @property
    def shown_view(self) -> str:
        """The view on screen: the chosen one, or the histogram where there is no data for it."""
        has_data = self._loaded is not None and self._loaded.data is not None
        return self._looking.view if has_data or self._looking.view in ("histogram", "statistics") else "histogram"

    def show_tensor(self, loaded: Loaded, phase: Phase, looking: Looking) -> None:
        """Draw `loaded` in the phase's colour."""
        self._loaded, self._phase, self._looking = loaded, phase, looking
        for view in ("heat_map", "table"):
            self._tabs.setTabEnabled(VIEWS.index(view), loaded.data is not None)
        self._draw()

    def drawn_state(self) -> tuple[Hashable, ...]:
        view = self._views.get(self.shown_view)
        state: Hashable = ()
        if isinstance(view, HeatMap | HistogramView | TensorTable):
            state = view.drawn_state()
        elif isinstance(view, FactList):
            state = view.facts
        return (self.shown_view, self._remark.text(), self._plane_index(), state)

    def view(self, name: str) -> QWidget:
        """The widget of one of VIEWS."""
        if name not in self._views:
            made = {"heat_map": HeatMap, "histogram": HistogramView, "statistics": FactList, "table": TensorTable}[
                name
            ](self)
            made.setAccessibleName(self._tabs.tabText(VIEWS.index(name)))
            if isinstance(made, HeatMap | TensorTable):
                made.element_chosen.connect(self._element_chosen)
            self._views[name] = made
            self._layout.addWidget(made)
        return self._views[name]

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _plane(self) -> Plane | None:
        if self._loaded is None or self._loaded.data is None:
            return None
        return plane(self._loaded.data.shape, self._looking.leading)

    def _plane_index(self) -> tuple[int, ...]:
        shown = self._plane()
        return () if shown is None or self.shown_view not in ("heat_map", "table") else shown.leading

    def _draw(self) -> None:
        loaded = self._loaded
        if loaded is None:
            return
        shown, name = self._plane(), self.shown_view
        self._tabs.blockSignals(True)
        self._tabs.setCurrentIndex(VIEWS.index(name))
        self._tabs.blockSignals(False)
        remark = remark_of(loaded.tensor)
        self._remark.setText(remark)
        self._remark.setVisible(bool(remark))
        self._fit_slices(shown if name in ("heat_map", "table") else None)
        view = self.view(name)
        for each in self._views.values():
            each.setVisible(each is view)
        if isinstance(view, HeatMap):
            view.set_slice(loaded, shown)
        elif isinstance(view, TensorTable):
            view.set_slice(loaded.data, shown)
            view.setFixedHeight(view.sizeHint().height())
        elif isinstance(view, HistogramView):
            view.set_tensor(loaded.tensor, self._phase)
        elif isinstance(view, FactList):
            view.set_facts(statistics_facts(loaded.tensor))

    def _fit_slices(self, shown: Plane | None) -> None:
        """One spin box for each leading dimension that has a choice."""
        wanted = () if shown is None else choices(shown.shape)
        while len(self._spins) < len(wanted):
            self._spins.append(self._make_spin(len(self._spins)))
        for place, spin in enumerate(self._spins):
            spin.setVisible(place < len(wanted))
            if place < len(wanted) and shown is not None:
                dimension, length = wanted[place]
                spin.blockSignals(True)
                spin.setProperty("dimension", dimension)
                spin.setRange(0, length - 1)
                spin.setValue(shown.leading[dimension])
                spin.blockSignals(False)
                spin.setAccessibleName(
                    translate("tensor_detail", "Index in dimension {number}").format(number=dimension)
                )
                spin.setToolTip(
                    translate("tensor_detail", "Dimension {number}: 0 to {last}").format(
                        number=dimension, last=length - 1
                    )
                )
        self._slices.setVisible(bool(wanted))

    def _make_spin(self, place: int) -> QSpinBox:
        spin = QSpinBox(self._slices)
        give_room(spin)
        spin.setWrapping(True)
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(self._slice_chosen)
        self._slice_layout.insertWidget(place + 1, spin)
        return spin

    def _restyle(self) -> None:
        # The window's tabs are too wide for four of them in a narrow panel.
        padding = f"{theme.TIGHT}px"
        self._tabs.setStyleSheet(f"QTabBar::tab {{ padding: {padding}; font-size: {theme.CAPTION_PX}px; }}")

    # --- what the user does ------------------------------------------------------------------------------------------

    def mark(self, index: tuple[int, ...] | None) -> None:
        """Mark a number, in whichever slice it is, and show that slice; None marks none."""
        if index != self._marked:
            self._marked, shown = index, self._plane()
            if index is not None and shown is not None and not shown.folded and len(index) == len(shown.shape):
                self._look(replace(self._looking, leading=index[:-2]))
        view = self._views.get("heat_map")
        if isinstance(view, HeatMap):
            view.mark(index)

    def _element_chosen(self, index: tuple[int, ...]) -> None:
        if self._loaded is not None and self._loaded.tensor.level == "full":
            self.element_chosen.emit(index)

    def _tab_chosen(self, place: int) -> None:
        if place >= 0:
            self._look(replace(self._looking, view=VIEWS[place]))

    def _slice_chosen(self) -> None:
        shown = self._plane()
        if shown is None:
            return
        leading = list(shown.leading)
        for spin in self._spins:
            dimension = spin.property("dimension")
            if not spin.isHidden() and dimension is not None:
                leading[dimension] = spin.value()
        self._look(replace(self._looking, leading=tuple(leading)))

    def _look(self, looking: Looking) -> None:
        if looking != self._looking:
            self._looking = looking
            self._draw()
            self.looked.emit(looking)
