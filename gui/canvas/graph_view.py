"""The graph canvas: pan, zoom, select, hover, and the playhead's passage through the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.errors import ChainruleError
from gui import theme as tokens
from gui.canvas import describe, overlays
from gui.canvas.ahead import PreparedPainter
from gui.canvas.camera import Camera
from gui.canvas.flow.motion import Motion
from gui.canvas.flow.stage import Stage
from gui.canvas.frames import Frames, Known, drawn
from gui.canvas.loader import Loader, Wish, rough_aspect, rough_room
from gui.canvas.minimap import Minimap
from gui.canvas.modules.anchor import anchor
from gui.canvas.navigator import Navigator
from gui.canvas.notices import Notices, Situation, paint_instead
from gui.canvas.painter import Picture
from gui.explore.explorer import Explorer
from gui.explore.places import bounds_of

if TYPE_CHECKING:
    from engine.layout import Direction
    from engine.layout.room import Room
    from gui.canvas.scene import Scene
    from gui.session import Session

FOLLOW_MARGIN = 48  # logical px
READABLE = 1.0  # scale to which one flies to a node
RESHAPE_MS = 180


class GraphView(QWidget):
    """What is shown, and how it is painted. `CanvasView` adds the mouse and the keys.

    `ready` tells that a graph was laid out and is shown, `failed` that it could not be; the canvas says why by itself.
    """

    ready = Signal()
    failed = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setAccessibleName(self.tr("Graph canvas"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._session = session
        self._frames: Frames | None = None
        self._scene: Scene | None = None
        self._shown: Wish | None = None
        self._wish: Wish | None = None
        self._problem = ""
        self._algorithm = "layered"
        self._direction: Direction = "down"
        self._data_leaves: bool | None = None
        self._hovered: int | None = None
        self.corner = 0  # logical px at the upper right that something else stands in
        self._held = False  # the user has hold of the view: it does not move by itself
        self._playhead = session.playhead
        self.explorer = Explorer(session, self)
        self.explorer.changed.connect(self.update)
        self._painter = PreparedPainter(tokens.current())
        self._minimap = Minimap()
        self._legend = overlays.Legend()
        self._stage = Stage()
        self._navigator = Navigator(self)
        self._navigator.moved.connect(self.update)
        self._motion = Motion(self)
        self._motion.moved.connect(self.update)
        self._painter.later = self._motion.look_again
        self._reshape = QTimer(self)
        self._reshape.setSingleShot(True)
        self._reshape.setInterval(RESHAPE_MS)
        self._reshape.timeout.connect(self._want_shape)
        self._notices = Notices(self)
        self._notices.changed.connect(self.update)
        self._loader = Loader(self)
        self._loader.draw = self._drawn_ahead
        self._loader.ready.connect(self._loaded)
        self._loader.failed.connect(self._not_loaded)
        self._loader.preparing.done.connect(self._want_graph)
        session.opening_changed.connect(self.update)
        session.recording_changed.connect(self._recording_changed)
        session.recording_grew.connect(self._recording_grew)
        session.graph_changed.connect(self._want_graph)
        session.modules.collapsed_changed.connect(self._want_graph)
        session.playhead_changed.connect(self._playhead_changed)
        for signal in (session.selection_changed, session.proofs.changed, session.walk_changed):
            signal.connect(self.update)
        tokens.switch.changed.connect(self._theme_changed)
        self._recording_changed()
        self._want_graph()

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def layout_name(self) -> str:
        return self._algorithm

    @property
    def problem(self) -> str:
        """Why the graph cannot be shown, or nothing."""
        return self._problem

    @property
    def camera(self) -> Camera:
        return self._navigator.camera

    @property
    def scene(self) -> Scene | None:
        """What is shown: the current graph, perhaps still at the places of an earlier layout; None until it has any."""
        shown, wish = self._shown, self._wish
        return self._scene if shown is not None and wish is not None and shown.graph_id == wish.graph_id else None

    @property
    def wish(self) -> Wish | None:
        """Which graph is to be shown, and how it is laid out."""
        return self._wish

    @property
    def data_leaves(self) -> bool:
        """Whether data leaves are shown, by choice or because the graph is small."""
        return self._wish is not None and self._wish.data_leaves

    def is_reading(self) -> bool:
        """Whether a recording or a large graph is being read in another thread."""
        return self._loader.preparing.busy or self._session.opening

    def is_ready(self) -> bool:
        """Whether the session's graph is what is shown (or there is none, or it failed)."""
        if self.is_reading() or self._motion.waits:
            return False
        return self._wish is None or self._shown == self._wish or bool(self._problem)

    def drawn_state(self) -> tuple[object, ...]:
        """Everything that depends on (recording, playhead, selection), apart from camera and motion."""
        picture = self.picture(hover=False)
        return (self._problem,) if picture is None else drawn(picture)

    def picture(self, *, hover: bool = True) -> Picture | None:
        """What `GraphPainter` paints now; None if there is no graph."""
        scene, frames, wish = self.scene, self._frames, self._wish
        if scene is None or frames is None or wish is None:
            return None
        return self._picture(scene, frames, wish, self._session.playhead, self._hovered if hover else None)

    def _picture(self, scene: Scene, frames: Frames, wish: Wish, playhead: int, hovered: int | None) -> Picture:
        session, proofs = self._session, self._session.proofs
        known = Known(proofs.verdicts, proofs.version, session.walk, self.coloured_by_proof, session.modules.current)
        plain = frames.picture(scene, wish.graph_id, playhead, session.selection, hovered, known)
        return self.explorer.dressed(plain, frames.recording, wish.graph_id)

    def set_layout(self, name: str) -> None:
        """Lay the graph out by another algorithm of `engine.layout.ALGORITHMS`; a failure is shown in the canvas."""
        if name != self._algorithm:
            self._algorithm = name
            self._want_graph()

    @property
    def direction(self) -> Direction:
        return self._direction

    def set_direction(self, direction: Direction) -> None:
        """Where the graph leads from the loss."""
        if direction != self._direction:
            self._direction = direction
            self._want_graph()

    def set_data_leaves(self, shown: bool | None) -> None:
        """Show inputs that need no gradient: always, never, or (None) in small graphs."""
        self._data_leaves = shown
        self._want_graph()

    @property
    def coloured_by_proof(self) -> bool:
        return self.explorer.colors.name == "proof"

    def shutdown(self) -> None:
        """Stop what moves and wait for a layout that is being made. The view may be used again after."""
        self._navigator.stop()
        self._motion.stop()
        self._reshape.stop()
        self._notices.stop()
        self._loader.finish()
        if self._frames is not None:
            self._frames.finish()
        self.explorer.shutdown()

    # --- the session -------------------------------------------------------------------------------------------------

    def _recording_changed(self) -> None:
        recording = self._session.recording
        if self._frames is not None:
            self._frames.stop()
        self._frames = self._loader.warm = None
        self._loader.reset(recording)
        if recording is not None:
            frames = self._frames = Frames(recording, self.update)
            self._loader.warm = lambda scene, graph: frames.warm(scene, graph, self._session.playhead)
        self._scene = self._shown = self._wish = None
        self._hovered = None
        self._problem = ""
        self._navigator.still_fitted = True
        self._motion.stop()
        self._stage.forget()
        self.update()

    def _recording_grew(self) -> None:
        self._want_graph()  # more of the current graph may have been written
        self.update()

    def _want_graph(self, _graph: object = None) -> None:
        """Show the session's graph: at once if its like was laid out before, else when the layout is made."""
        recording, graph_id = self._session.recording, self._session.graph_id
        if recording is None or graph_id is None:
            self._wish = None
            self.update()
            return
        if self._loader.preparing.needed(graph_id):
            self._loader.preparing.start(graph_id)
            return
        try:
            modules, (aspect, room) = self._session.modules, self._shape()
            wish = self._loader.wish(
                graph_id, self._algorithm, self._data_leaves, aspect, self._direction, modules.collapsed,
                modules.boxes, room,
            )  # fmt: skip
            known = self._loader.known(wish)
        except ChainruleError as error:
            self._wish, self._problem = None, str(error)
            self.update()
            return
        if wish == self._wish and not self._problem and (wish == self._shown or self._loader.busy):
            return
        before = self.scene
        self._wish, self._problem = wish, ""
        if known is not None:
            self._show(wish, known)
            return
        self._motion.stop()
        self._loader.start(wish)
        self._notices.begin()
        if before is None or self.scene is not before:  # else the picture is the same until there is a new one
            self.update()

    def _want_shape(self) -> None:
        """Wrap the graph for the view as it is now; what could not be laid out is not tried again for the same one."""
        wish = self._wish
        if wish is None or not self._problem or (wish.aspect, wish.room) != self._shape():
            self._want_graph()

    def _shape(self) -> tuple[float, Room | None]:
        """What a graph is wrapped for: the view as it is, or, where somebody has moved the graph, as it was before."""
        if self._shown is not None and not self._navigator.still_fitted:
            return self._shown.aspect, self._shown.room
        return rough_aspect(self.width(), self.height()), rough_room(self.width(), self.height())

    def _drawn_ahead(self, scene: Scene) -> Iterator[None]:
        """What the first frame would take longest for, where one can tell what it will show."""
        plain = self.isVisible() and self._navigator.still_fitted and self.explorer.colors.name == "kind"
        return self._painter.prepare(scene, self.camera.fitted(scene.bounds)) if plain else iter(())

    def _loaded(self, wish: Wish, scene: Scene) -> None:
        if wish == self._wish:
            self._show(wish, scene)
            self.ready.emit()

    def _not_loaded(self, wish: Wish, message: str) -> None:
        if wish == self._wish:
            self._problem = message
            self.update()
            self.failed.emit(message)

    def _show(self, wish: Wish, scene: Scene) -> None:
        before, known = self._scene, self._shown
        self._scene, self._shown = scene, wish
        self._loader.look_ahead()
        if before is None or before.pieces is not scene.pieces:
            self._motion.stop()
            self._hovered = None
            unmoved = None if before is None or known is None else anchor(before, known, scene, wish, self._session)
            if unmoved is None or self._navigator.still_fitted:
                self.fit(fly=unmoved is not None)
            else:
                self._navigator.shift(*unmoved)
        self.update()

    def _playhead_changed(self, playhead: int) -> None:
        before, self._playhead = self._playhead, playhead
        self.animate(before, playhead)
        self._follow(before)
        self.update()

    def _follow(self, before: int) -> None:
        """Keep the active node in view, if the one before was: who has moved away to look at something stays there."""
        picture, recording = self.picture(hover=False), self._session.recording
        if picture is None or recording is None or picture.state.active < 0 or self._held:
            return
        scene, target = picture.scene, self._navigator.target
        margin = 0.0 if self._navigator.still_fitted else FOLLOW_MARGIN * target.ratio
        node = int(recording.timeline.node[before]) if 0 <= before < len(recording.timeline) else -1
        last = scene.position.get(node)
        x, y = scene.center(picture.state.active)
        if not target.shows(x, y, margin) and (last is None or target.shows(*scene.center(last))):
            self._navigator.fly_to(x, y, fly=self.isVisible())

    # --- motion and camera -------------------------------------------------------------------------------------------

    def set_animation_speed(self, milliseconds: int) -> None:
        """How long one event takes to happen; 0 for no motion."""
        self._motion.milliseconds = milliseconds

    def set_playing(self, on: bool) -> None:
        """Whether the playhead moves by itself: what comes too fast to be shown one by one then goes together."""
        self._motion.playing = on

    def animate(self, before: int, after: int) -> None:
        """Show the event between two neighbouring playheads happening (backwards if `after` is the earlier one)."""
        scene, frames, wish = self.scene, self._frames, self._wish
        if scene is None or frames is None or wish is None or not self.isVisible():
            self._motion.stop()
        else:
            self._motion.play(frames, scene, wish.graph_id, before, after)

    def fit(self, *, fly: bool = True) -> None:
        """The whole graph in view."""
        if self.scene is not None:
            self._navigator.fit(self.scene.bounds, fly=fly and self.isVisible())
            self._reshape.start()

    def bring_into_view(self, node_id: int) -> None:
        """Move the view if the node is out of it, and only then."""
        scene, target = self.scene, self._navigator.target
        if scene is not None and node_id in scene.position:
            x, y = scene.center(scene.position[node_id])
            if not target.shows(x, y, FOLLOW_MARGIN * target.ratio):
                self._navigator.fly_to(x, y, fly=self.isVisible())

    def fit_nodes(self, nodes: Iterable[int]) -> None:
        """These nodes in view, all together."""
        if self.scene is not None:
            bounds = bounds_of(self.scene, nodes)
            if bounds is not None:
                self._navigator.fit(bounds, fly=self.isVisible())
                self._navigator.still_fitted = False

    def show_minimap(self, on: bool) -> None:
        self._minimap.shown = on
        self.update()

    def fly_to(self, node_id: int) -> None:
        """Bring a node to the middle, near enough to be read."""
        scene = self.scene
        if scene is not None and node_id in scene.position:
            x, y = scene.center(scene.position[node_id])
            self._navigator.fly_to(x, y, least=READABLE, fly=self.isVisible())

    # --- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
        except ChainruleError as error:  # the file has been damaged or taken away since it was opened
            self._wish, self._problem = None, str(error)
            paint_instead(painter, QRectF(self.rect()), self._situation(), self._painter.theme)
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        picture = self.picture()
        if picture is None:
            paint_instead(painter, QRectF(self.rect()), self._situation(), self._painter.theme)
            return
        ratio = self.camera.ratio
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        self._paint_graph(painter, picture)
        painter.restore()
        self._paint_overlays(painter, picture)

    def _paint_graph(self, painter: QPainter, picture: Picture) -> None:
        motion, frames, wish = self._motion, self._frames, self._wish
        how = (self.camera, self._painter, self._navigator.sprite_scale)
        if motion.happening is not None and frames is not None and wish is not None:
            # Motion goes over the picture before the event, in which nothing of it has happened.
            earlier, plan = motion.happening.earlier, motion.happening.plan
            scene = self._scene or picture.scene
            before, after = (self._picture(scene, frames, wish, each, self._hovered) for each in (earlier, earlier + 1))
            self._stage.happening(painter, before, after, plan, motion.time, *how)
        elif motion.batches:
            self._stage.streaming(painter, picture, motion.batches, motion.now, motion.life, *how)
        else:
            self._stage.resting(painter, picture, *how)

    def _paint_overlays(self, painter: QPainter, picture: Picture) -> None:
        theme = self._painter.theme
        recording = self._session.recording
        overlays.crumbs(painter, self.crumbs(picture), self.width() - self.corner, theme)
        graph = self._session.graph_id
        if (
            recording is None
            or graph is None
            or not self.explorer.paint_legend(painter, picture, recording, graph, self.camera, theme)
        ):
            self._legend.paint(painter, picture, self.camera, theme)
        if self._minimap.wanted(picture.scene, self.camera):
            self._minimap.paint(painter, picture, self.camera, theme)
        if self._shown != self._wish:
            self._notices.paint_over(painter, self.width(), self._situation(), theme)

    def crumbs(self, picture: Picture) -> list[str]:
        """Where one is, in words from the training step to the node."""
        session = self._session
        if session.recording is None:
            return []
        return describe.crumbs(session.recording, session.playhead, session.graph_id, picture)

    def _situation(self) -> Situation:
        working = self._loader.preparing.busy or self._loader.busy
        session = self._session
        return Situation(self._problem, session.opening, session.recording is not None, self._wish is not None, working)

    def _theme_changed(self) -> None:
        self._painter = PreparedPainter(tokens.current())
        self._painter.later = self._motion.look_again
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        ratio = self.devicePixelRatioF()
        self._navigator.resize(round(self.width() * ratio), round(self.height() * ratio), ratio)
        if self._navigator.still_fitted:
            self.fit(fly=False)
            self._reshape.start()
