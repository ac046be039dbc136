"""The canvas with modules that open and close."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from gui.canvas import overlays
from gui.canvas.graph_view import GraphView
from gui.canvas.modules import boxes
from gui.canvas.modules.choosing import choose_group, enclosing, group_looked_at

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF
    from PySide6.QtWidgets import QWidget

    from engine.graph.modules import Group, ModuleTree
    from engine.layout import Box
    from gui.canvas.loader import Wish
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene
    from gui.session import Session


CRUMBS_TO = 48.0  # logical px from the top
TITLE_SLACK = 14.0  # logical px: the least height of a title, for the mouse


class ModuleView(GraphView):
    """Each method takes the picture that is shown and asks for another; `session.modules` remembers what was chosen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self._fly_then: int | None = None
        self._fit_then: list[int] = []
        self._is_closing = False
        super().__init__(session, parent)
        session.modules.current_changed.connect(self._looked_at)

    @property
    def group(self) -> Group | None:
        """The module that one looks at, or the innermost one round the selected node."""
        return group_looked_at(self._session, self.scene)

    @property
    def tree(self) -> ModuleTree | None:
        """The modules of the graph that is shown; None if there is none."""
        scene = self.scene
        return scene.tree if scene is not None and scene.tree is not None and scene.tree.groups else None

    @property
    def collapsed(self) -> frozenset[str]:
        return frozenset() if self.scene is None else self.scene.collapsed

    def is_opening(self) -> bool:
        """Whether a recording's first picture is still to come: what else is to be shown can wait for that."""
        return self.is_reading() or (self._scene is None and self._loader.busy)

    def is_collapsed(self, group: Group) -> bool:
        """Whether a module stands as one node, or is hidden in one that does."""
        return self.tree is not None and int(self.tree.shown(self.collapsed)[group.number]) >= 0

    def expand(self, key: str) -> None:
        """Open a module, one level."""
        self._collapse(lambda tree, now: tree.opened(now, key))

    def collapse(self, key: str) -> None:
        self._collapse(lambda tree, now: tree.closed(now, key))
        self._is_closing = self._loader.busy
        self._session.modules.look_at(key)
        self._is_closing = False

    def _looked_at(self) -> None:
        """It is marked; one that is being closed, in the picture that comes: the old one is not painted for it."""
        if not self._is_closing:
            self.update()

    def toggle(self, key: str) -> None:
        tree = self.tree
        if tree is not None and key in tree.by_key:
            (self.expand if self.is_collapsed(tree.by_key[key]) else self.collapse)(key)

    def expand_or(self, otherwise: Callable[[], None]) -> None:
        """Open the module that one looks at; without one, do something else."""
        group = self.group
        if group is None:
            otherwise()
        elif self.is_collapsed(group):
            self.expand(group.key)

    def collapse_or(self, otherwise: Callable[[], None]) -> None:
        """Close the module that one looks at, or the one round it if it is closed."""
        group, tree = self.group, self.tree
        if group is None or tree is None:
            otherwise()
            return
        while self.is_collapsed(group) and group.parent >= 0:
            group = tree.groups[group.parent]
        self.collapse(group.key)

    def collapse_to(self, level: int | None) -> None:
        """Modules open down to `level` (0: only the outermost stand there; None: all are open)."""
        if self._shown is not None:
            self._session.modules.unfocus(self._shown.structure, restore=False)
        self._collapse(lambda tree, _: tree.at_level(tree.levels if level is None else level))

    def show_only(self, key: str) -> None:
        """Collapse all that is neither in a module nor round it, and come near."""
        scene, tree, shown = self.scene, self.tree, self._shown
        if scene is None or tree is None or shown is None or key not in tree.by_key:
            return
        self._fit_then = scene.every[tree.members(tree.by_key[key])].tolist()
        self._session.modules.focus(shown.structure, tree.focused(self.collapsed, key))
        if self._wish == self._shown:
            self._fit_now()

    @property
    def shows_only(self) -> bool:
        """Whether a module is shown alone."""
        return self._shown is not None and self._session.modules.is_focused(self._shown.structure)

    def show_others(self) -> None:
        """What was shown before one was shown alone."""
        if self.shows_only and self._shown is not None:
            self._navigator.still_fitted = True
            self._session.modules.unfocus(self._shown.structure)

    def _fit_now(self) -> None:
        nodes, self._fit_then = self._fit_then, []
        if nodes:
            self.fit_nodes(nodes)

    def fold_repeats(self, on: bool) -> None:
        """Draw neighbours that are made alike once, with their count; or one by one."""
        self._collapse(lambda tree, now: (now | tree.repeats) if on else tree.unfolded(now))

    @property
    def folds_repeats(self) -> bool:
        return bool(self.tree is not None and self.tree.repeats & self.collapsed)

    def _collapse(self, change: Callable[[ModuleTree, frozenset[str]], Iterable[str]]) -> None:
        tree, shown = self.tree, self._shown
        if tree is not None and shown is not None:
            self._session.modules.collapse(shown.structure, tree.tidy(change(tree, self.collapsed)))

    def title_at(self, point: QPointF) -> Box | None:
        """The open module whose title is at a logical point."""
        scene, ratio = self.scene, self.camera.ratio
        if scene is None:
            return None
        x, y = self.camera.to_scene(point.x() * ratio, point.y() * ratio)
        return boxes.title_at(scene, x, y, TITLE_SLACK * ratio / self.camera.scale)

    def choose_title(self, point: QPointF) -> bool:
        """Look at the module whose title is at a point; False if there is none."""
        box, scene = self.title_at(point), self.scene
        if box is None or scene is None or scene.tree is None:
            return False
        choose_group(self._session, scene, scene.tree.by_key[box.key])
        return True

    def crumbs(self, picture: Picture) -> list[str]:
        """Before them, where a module is shown alone, what leads back."""
        parts = super().crumbs(picture)
        return [self.tr("← all modules"), *parts] if self.shows_only else parts

    def _way_back_at(self, point: QPointF) -> bool:
        picture = self.picture(hover=False) if self.shows_only and point.y() < CRUMBS_TO else None
        return picture is not None and overlays.crumb_places(self.crumbs(picture), self.width())[0].contains(point)

    def crumb_at(self, point: QPointF) -> Group | None:
        """The module whose name, in the line at the top, is at a logical point."""
        picture, tree = (self.picture(hover=False), self.tree) if point.y() < CRUMBS_TO else (None, None)
        if picture is None or tree is None:
            return None
        parts = self.crumbs(picture)
        places = overlays.crumb_places(parts, self.width() - self.corner)
        at = next((index for index, place in enumerate(places) if place.contains(point)), -1)
        around = self._around(picture)
        for first in range(at + 1):
            path = ".".join(parts[first : at + 1])
            for group in around:
                if group.path == path:
                    return group
        return None

    def _around(self, picture: Picture) -> tuple[Group, ...]:
        """The modules round what the line at the top is about, outermost first."""
        scene, tree = picture.scene, self.tree
        if tree is None:
            return ()
        chosen = tree.by_key.get(self._session.modules.current) if picture.selection is None else None
        if chosen is not None:
            return (*tree.around(chosen), chosen)
        place = picture.selection if picture.selection is not None else picture.state.active
        if place < 0:
            return ()
        groups = {} if scene.inner is None else scene.inner.groups
        if place in groups:
            return (*tree.around(groups[place]), groups[place])
        return enclosing(scene, int(scene.node_ids[place]))

    def choose_crumb(self, point: QPointF) -> bool:
        """Look at the module whose name is at a point, as near as it fits; False if there is none."""
        if self._way_back_at(point):
            self.show_others()
            return True
        group, scene = self.crumb_at(point), self.scene
        if group is None or scene is None or scene.tree is None:
            return False
        choose_group(self._session, scene, group)
        self.fit_nodes(scene.every[scene.tree.members(group)].tolist())
        return True

    def point_at_words(self, point: QPointF) -> None:
        """Over a title or a name that can be clicked the mouse becomes a hand."""
        over = self.title_at(point) is not None or self.crumb_at(point) is not None or self._way_back_at(point)
        self.setCursor(Qt.CursorShape.PointingHandCursor) if over else self.unsetCursor()

    def close_title(self, point: QPointF) -> bool:
        """Collapse it."""
        box = self.title_at(point)
        if box is not None:
            self.collapse(box.key)
        return box is not None

    def fly_to(self, node_id: int) -> None:
        """Bring a node to the middle; the modules that hide it are opened first."""
        scene = self.scene
        if scene is not None and scene.inner is not None and node_id in scene.inner.hidden:
            place = scene.inner.plain.position[node_id]
            self._fly_then = node_id
            self._collapse(lambda tree, now: tree.revealed(now, place))
        else:
            super().fly_to(node_id)

    def _show(self, wish: Wish, scene: Scene) -> None:
        super()._show(wish, scene)
        node, self._fly_then = self._fly_then, None
        if node is not None:
            super().fly_to(node)
        if wish == self._wish:
            self._fit_now()
