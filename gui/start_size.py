"""How large a window is that was never open before."""

from __future__ import annotations

from PySide6.QtCore import QSize

PLAIN = QSize(1280, 800)  # where nothing is known of the screen, or nothing that could be a person's
SMALLEST_SCREEN = 1000
FRAME = QSize(48, 64)  # px that the desktop's frame and a little air take
ENOUGH = QSize(1840, 1000)  # ResNet-18 can be read in it
SHARE = 0.8  # of a screen that is larger than that


def start_size(room: QSize) -> QSize:
    """`room`: what a screen has for windows. Nearly all of a common one, most of a large one."""
    if room.width() < SMALLEST_SCREEN:
        return PLAIN
    return (room - FRAME).boundedTo(ENOUGH).expandedTo(room * SHARE)
