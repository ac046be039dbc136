"""From recording, graph, playhead, selection and hovered node to the picture to paint; what is reused is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from gui.canvas.edges import FROM_NODE, INTO, OUT_OF, TO_NODE
from gui.canvas.insides import Insides
from gui.canvas.kept import Kept
from gui.canvas.lod import Detail
from gui.canvas.modules.flow import grouped_track
from gui.canvas.picture import Picture, labels_of
from gui.canvas.proof_marks import NONE, ProofMarks, coloured, marks_of
from gui.canvas.readings import Readings
from gui.canvas.state import DrawState, Track, make_track, state_at

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from engine.rules.upstream import Walk
    from gui.canvas.picture import Bytes
    from gui.canvas.scene import Flags, Ints, Scene
    from gui.proof.store import Verdict

    Connected = tuple[tuple[Flags, Flags], Bytes]

K = TypeVar("K")
V = TypeVar("V")

KEPT_TRACKS = 16
KEPT_STATES = 4  # the playhead's, and its neighbours' while one moves to another


@dataclass(frozen=True, eq=False)
class Known:
    """What was found out of the recording: verdicts by node (`version` counts their changes), the way upstream, and
    whether nodes are coloured by them."""

    verdicts: Mapping[int, Verdict]
    version: int
    walk: Walk | None
    coloured: bool
    module: str = ""  # the key of the one that is looked at


class Frames:
    """Pictures of one recording. Everything kept here can be thrown away without changing what is shown."""

    def __init__(self, recording: Recording, changed: Callable[[], object] | None = None) -> None:
        """`changed` is called in the window's thread when a picture would show more than the last one did."""
        self.recording = recording
        self.readings = Readings(recording)
        self.insides = Insides(recording)
        self.kept = Kept(recording)
        if changed is not None:
            self.insides.changed.connect(changed)
            self.kept.changed.connect(changed)
        self._tracks: dict[tuple[int, int, int], tuple[Scene, Track]] = {}
        self._members: dict[tuple[int, int], tuple[Ints, Track]] = {}
        self._states: dict[tuple[int, int, int, int], tuple[Scene, DrawState]] = {}
        self._emphasis: tuple[Scene, int, Connected] | None = None
        self._direct: tuple[Scene, int, Bytes] | None = None
        self._proofs: tuple[tuple[object, ...], Scene, ProofMarks | None] | None = None
        self._kept: tuple[Scene, Walk | None] | None = None

    def stop(self) -> None:
        """The recording is not shown any more."""
        self.kept.stop()

    def finish(self) -> None:
        """Wait for what is being read."""
        self.insides.finish()
        self.kept.finish()

    def track(self, scene: Scene, graph_id: int) -> Track:
        """Made anew when the recording has grown, or when the graph is shown with other nodes."""
        key = (graph_id, len(self.recording.timeline), id(scene.pieces))
        known = self._tracks.get(key)  # in one go: another thread may take it out
        if known is None:
            # The scene is kept with it, so that its id is not given to another one.
            known = (scene, self._make_track(scene, graph_id))
            _keep(self._tracks, key, known, scene.kept(KEPT_TRACKS))
        return known[1]

    def _make_track(self, scene: Scene, graph_id: int) -> Track:
        """What happens to the recorded nodes stays the same whichever modules are collapsed."""
        drawn = scene if scene.inner is None else scene.inner.plain
        key = (graph_id, len(self.recording.timeline))
        known = self._members.get(key)
        if known is None or not np.array_equal(known[0], drawn.node_ids):
            known = (drawn.node_ids, make_track(self.recording, drawn, graph_id))
            _keep(self._members, key, known, KEPT_TRACKS)
        return known[1] if scene.inner is None else grouped_track(known[1], scene.inner)

    def warm(self, scene: Scene, graph_id: int, playhead: int = -1) -> None:
        """Work out ahead what every picture of a scene needs, and that at `playhead`. May be called in another thread
        than the window's."""
        self.state(scene, graph_id, playhead)
        scene.warm_up()
        pieces = scene.pieces
        for _ in (scene.position, pieces.aligned, pieces.downward):
            pass

    def state(self, scene: Scene, graph_id: int, playhead: int) -> DrawState:
        key = (graph_id, len(self.recording.timeline), id(scene.pieces), playhead)
        known = self._states.get(key)
        if known is None:
            known = (scene, state_at(self.recording, scene, self.track(scene, graph_id), playhead))
            _keep(self._states, key, known, KEPT_STATES)
        return known[1]

    def picture(
        self,
        scene: Scene,
        graph_id: int,
        playhead: int,
        selection: int | None,
        hovered: int | None,
        known: Known | None = None,
    ) -> Picture:
        """`selection` is a node id, `hovered` a position; `known` is what was found out of the recording."""
        shown, proofs = self._marked(scene, known)
        module = "" if known is None else known.module
        chosen = None if selection is None else scene.position.get(selection)
        if selection is None and scene.inner is not None:
            chosen = scene.inner.place_of_group.get(module)
        connected = None if hovered is None else self._connected(scene, hovered)
        return Picture(
            scene=shown,
            state=self.state(scene, graph_id, playhead),
            track=self.track(scene, graph_id),
            readings=self.readings,
            selection=chosen,
            module=module,
            emphasis=None if connected is None else connected[0],
            flow=self._links(scene, chosen) if connected is None else connected[1],
            proofs=proofs,
            insides=self.insides,
            kept=partial(self.kept.of, graph_id),
        )

    def _marked(self, scene: Scene, known: Known | None) -> tuple[Scene, ProofMarks | None]:
        """The scene in the colours of its proofs, and the marks; worked out once for as long as nothing new is known.

        The scene stays the same object all the while: what others keep of it holds.
        """
        if known is None:
            return scene, None
        key = (id(scene), known.version, id(known.walk), known.coloured)
        if self._proofs is None or self._proofs[0] != key:
            marks = marks_of(scene, known.verdicts, known.walk)
            nothing = np.full(scene.node_count, NONE, dtype=np.int8)
            shown = coloured(scene, nothing if marks is None else marks.state) if known.coloured else scene
            # The scene and the walk are kept with it, so that their ids are not given to others.
            self._kept = (scene, known.walk)
            self._proofs = (key, shown, marks)
        return self._proofs[1], self._proofs[2]

    def _connected(self, scene: Scene, node: int) -> Connected:
        if self._emphasis is None or self._emphasis[0] is not scene or self._emphasis[1] != node:
            self._emphasis = (scene, node, connected(scene, node))
        return self._emphasis[2]

    def _links(self, scene: Scene, node: int | None) -> Bytes | None:
        if node is None:
            return None
        if self._direct is None or self._direct[0] is not scene or self._direct[1] != node:
            self._direct = (scene, node, links(scene, node))
        return self._direct[2]


def links(scene: Scene, node: int) -> Bytes:
    """Which edges come straight to a node, and which leave it."""
    return np.where(scene.target == node, INTO, np.where(scene.source == node, OUT_OF, 0)).astype(np.uint8)


def _keep(kept: dict[K, V], key: K, value: V, most: int) -> None:
    """Put it in, and take out what was put in first; another thread may do so at the same time."""
    for old in list(kept)[: max(len(kept) + 1 - most, 0)]:
        kept.pop(old, None)
    kept[key] = value


def connected(scene: Scene, node: int) -> Connected:
    """Everything up- and downstream of a node: nodes, edges, and which edges lead to it and which on from it, its own
    apart from the others."""
    upstream, downstream = scene.links.upstream(node), scene.links.downstream(node)
    flow = np.where(upstream[scene.target], TO_NODE, np.where(downstream[scene.source], FROM_NODE, 0)).astype(np.uint8)
    return (upstream | downstream, flow > 0), np.maximum(flow, links(scene, node))


def drawn(picture: Picture) -> tuple[object, ...]:
    """Everything that a picture shows, as one comparable value: colours, numbers, rings."""
    scene = picture.scene
    texts = tuple(
        label.text for item in range(len(scene.item_node)) for label in labels_of(picture, item, Detail.CLOSE)
    )
    proofs = () if picture.proofs is None else picture.proofs.key()
    explored = tuple(
        b"" if each is None else each.tobytes() for each in (picture.fills, picture.dimmed, picture.marked)
    )
    return (scene.node_ids.tobytes(), picture.state.key(), texts, picture.selection, picture.module, proofs, explored)
