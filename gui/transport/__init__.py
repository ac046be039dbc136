"""The strip that moves the playhead: buttons, speed, scrubber."""

from gui.transport.panel import Transport

__all__ = ["Transport"]
