"""Where everything is while one event happens: a pure function of (scene, plan, time)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gui.canvas.flow.plan import Plan
    from gui.canvas.scene import Scene

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TRAIL = 9  # dots behind each pulse
SMALLEST, LARGEST = 8.0, 18.0  # diameter of a pulse in logical px, by magnitude
FAINTEST = 0.4  # strength of a pulse of the least magnitude
GONE_FROM = 0.94  # of the way: from here on a pulse goes out, as its node takes it in
TOTAL, TOTAL_LATE = 0.25, 0.6  # of the time that is left when the last branch has come: then its sum stands there
LIGHTS_FROM = 0.7  # time from which the node of the event turns into what it is after it


@dataclass(frozen=True, eq=False)
class Dots:
    """Pulses with their trails: scene points `at` (k, 2), `size` in logical px, `strength` 0..1."""

    at: Floats
    size: Floats
    strength: Floats


@dataclass(frozen=True)
class Tag:
    """The number of a leg, at the scene point that its pulse has reached after `share` of its way, or, once that has
    arrived, at its end. `place`: the how manieth it is of those that meet, or 0."""

    leg: int
    share: float
    x: float
    y: float
    text: str
    place: int
    strength: float


@dataclass(frozen=True, eq=False)
class Moment:
    """`travelled` (k): how much of each leg's edge has been passed, from where it set out. `lit`: how far the node has
    turned into what it is after the event. `sums`: what stands at the node, and how strongly. `number`: what rolls."""

    progress: float
    dots: Dots
    tags: tuple[Tag, ...]
    travelled: Floats
    lit: float
    sums: tuple[tuple[int, str, float, bool], ...]  # which of the plan's, text, strength, whether it is the total
    number: str


def moment(scene: Scene, plan: Plan, time: float, spacing: float = 4.0) -> Moment:
    """The picture at `time`, 0 to 1. `spacing`: scene px between two dots of a trail."""
    time = min(max(time, 0.0), 1.0)
    progress = 1.0 - time if plan.undone else time
    shares = np.clip((progress - plan.start) / np.maximum(plan.end - plan.start, 1e-9), 0.0, 1.0)
    way = ease(shares)
    return Moment(
        progress=progress,
        dots=dots(scene, plan.edges, np.full(len(plan.edges), plan.back), way, plan.magnitude, spacing),
        tags=_tags(scene, plan, way),
        travelled=way,
        lit=eased((progress - LIGHTS_FROM) / (1.0 - LIGHTS_FROM)),
        sums=tuple(_forming(plan, progress)),
        number="" if plan.rolling is None else plan.rolling.text(eased(progress)),
    )


def dots(
    scene: Scene, edges: Ints, back: npt.NDArray[np.bool_], way: Floats, magnitude: Floats, spacing: float,
    trail: int = TRAIL,
) -> Dots:  # fmt: skip
    """Pulses that have come so far (`way`, 0..1) along their edges. Those that have not set out, or have arrived, are
    not seen; a trail ends where its pulse set out."""
    moving = np.flatnonzero((way > 0.0) & (way < 1.0))
    edges, back, way, magnitude = edges[moving], back[moving], way[moving], magnitude[moving]
    pieces = scene.pieces
    length = np.maximum(pieces.along[pieces.first[edges + 1]] - pieces.along[pieces.first[edges]], 1.0)
    trail = min(trail, int(length.max(initial=0.0) / spacing))  # from afar, edges are shorter than a trail
    behind = np.arange(trail + 1)
    along = way[:, None] - behind * (spacing / length)[:, None]
    fade = (1.0 - behind / (TRAIL + 1)) ** 1.6
    seen = along > 0.0
    along = np.where(back[:, None], 1.0 - along, along)
    going = np.clip((1.0 - way) / (1.0 - GONE_FROM), 0.0, 1.0)
    strength = ((FAINTEST + (1.0 - FAINTEST) * magnitude) * going)[:, None] * fade
    size = (SMALLEST + (LARGEST - SMALLEST) * magnitude)[:, None] * (0.35 + 0.65 * fade)
    seen = seen[:, ::-1].reshape(-1)  # the pulse itself is drawn last, over its trail
    return Dots(
        at=pieces.points(np.repeat(edges, trail + 1), along[:, ::-1].reshape(-1))[seen],
        size=size[:, ::-1].reshape(-1)[seen],
        strength=strength[:, ::-1].reshape(-1)[seen],
    )


def _tags(scene: Scene, plan: Plan, way: Floats) -> tuple[Tag, ...]:
    found = []
    for leg, share in enumerate(way.tolist()):
        place = plan.place[leg]
        if not plan.text[leg] or share <= 0.0 or (share >= 1.0 and not place):
            continue
        at = 1.0 - share if plan.back else share
        x, y = scene.pieces.points(plan.edges[leg : leg + 1], np.array([at]))[0].tolist()
        leaving = 1.0 if place else min((1.0 - share) / 0.2, 1.0)
        found.append(Tag(leg, share, x, y, plan.text[leg], place, min(share / 0.15, 1.0, leaving)))
    return tuple(found)


def _forming(plan: Plan, progress: float) -> list[tuple[int, str, float, bool]]:
    """The stage that each sum has reached: a branch counts once it has arrived, the total comes after the last one."""
    found = []
    for row, (formed, ends) in enumerate(plan.sums):
        arrived = int((progress >= ends - 1e-9).sum())
        added = (progress - float(ends.max())) / max(1.0 - float(ends.max()), 1e-9)
        stage = formed.stages[min(arrived, len(formed.stages) - 1)]
        if added >= (TOTAL_LATE if formed.late else TOTAL):
            found.append((row, formed.total, 1.0, True))
        elif stage:
            since = progress - (0.0 if formed.stages[0] else float(ends.min()))
            found.append((row, stage, min(max(since / 0.06, 0.0), 1.0), False))
    return found


def ease(time: Floats) -> Floats:
    """Slow, fast, slow."""
    eased: Floats = time * time * (3.0 - 2.0 * time)
    return eased


def eased(time: float) -> float:
    """The same for one number, kept within 0 and 1."""
    time = min(max(time, 0.0), 1.0)
    return time * time * (3.0 - 2.0 * time)
