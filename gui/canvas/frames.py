"""From recording, graph, playhead, selection and hovered node to the picture to paint; what is reused is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.canvas.lod import Detail
from gui.canvas.painter import Picture, labels_of
from gui.canvas.readings import Readings
from gui.canvas.state import DrawState, Track, make_track, state_at

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.scene import Flags, Scene

KEPT_TRACKS = 16
KEPT_STATES = 4  # the playhead's, and its neighbours' while one moves to another


class Frames:
    """Pictures of one recording. Everything kept here can be thrown away without changing what is shown."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.readings = Readings(recording)
        self._tracks: dict[tuple[int, int, int], tuple[Scene, Track]] = {}
        self._states: dict[tuple[int, int, int, int], DrawState] = {}
        self._emphasis: tuple[Scene, int, tuple[Flags, Flags]] | None = None

    def track(self, scene: Scene, graph_id: int) -> Track:
        """Made anew when the recording has grown, or when the graph is shown with other nodes."""
        key = (graph_id, len(self.recording.timeline), id(scene.pieces))
        if key not in self._tracks:
            while len(self._tracks) >= KEPT_TRACKS:
                del self._tracks[next(iter(self._tracks))]
            # The scene is kept with it, so that its id is not given to another one.
            self._tracks[key] = (scene, make_track(self.recording, scene, graph_id))
        return self._tracks[key][1]

    def state(self, scene: Scene, graph_id: int, playhead: int) -> DrawState:
        key = (graph_id, len(self.recording.timeline), id(scene.pieces), playhead)
        if key not in self._states:
            while len(self._states) >= KEPT_STATES:
                del self._states[next(iter(self._states))]
            self._states[key] = state_at(self.recording, scene, self.track(scene, graph_id), playhead)
        return self._states[key]

    def picture(
        self, scene: Scene, graph_id: int, playhead: int, selection: int | None, hovered: int | None
    ) -> Picture:
        """`selection` is a node id, `hovered` a position."""
        return Picture(
            scene=scene,
            state=self.state(scene, graph_id, playhead),
            track=self.track(scene, graph_id),
            readings=self.readings,
            selection=None if selection is None else scene.position.get(selection),
            emphasis=None if hovered is None else self._connected(scene, hovered),
        )

    def _connected(self, scene: Scene, node: int) -> tuple[Flags, Flags]:
        if self._emphasis is None or self._emphasis[0] is not scene or self._emphasis[1] != node:
            self._emphasis = (scene, node, scene.connected(node))
        return self._emphasis[2]


def drawn(picture: Picture) -> tuple[object, ...]:
    """Everything that a picture shows, as one comparable value: colours, numbers, rings."""
    scene = picture.scene
    texts = tuple(
        label.text for item in range(len(scene.item_node)) for label in labels_of(picture, item, Detail.CLOSE)
    )
    return (scene.node_ids.tobytes(), picture.state.key(), texts, picture.selection)
