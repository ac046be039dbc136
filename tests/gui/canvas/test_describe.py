from __future__ import annotations

from dataclasses import replace

from engine.recording.reader import Recording
from gui.canvas.describe import crumbs, tooltip
from gui.canvas.scene import Scene
from tests.gui.canvas.scenes import node_named, picture_at, scene_of


def test_crumbs_name_the_step_and_what_one_looks_at(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 5)
    assert crumbs(recording, 5, 0, picture) == ["step 1 of 3", "sub"]
    chosen = replace(picture, selection=node_named(scene, "w"))
    assert crumbs(recording, 5, 0, chosen)[-1] == "w"
    later = picture_at(recording, scene_of(recording, 2), 30, 2)
    assert crumbs(recording, 30, 2, later)[0] == "step 3 of 3"


def test_tooltip_tells_every_digit(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 11)
    text = tooltip(recording, picture, node_named(scene, "loss"))
    for part in ("<b>loss</b>", "PowBackward0", "scalar", "float32", "14.0625", "gradient 1.0"):
        assert part in text
