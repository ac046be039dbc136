"""Placeholder."""
from __future__ import annotations
from PySide6.QtWidgets import QLabel
from gui.session import Session
class OptimizerPanel(QLabel):
    def __init__(self, session: Session) -> None:
        super().__init__()
