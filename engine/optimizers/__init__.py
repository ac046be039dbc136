"""The arithmetic of `optimizer.step()`, written by hand: plain NumPy, one file per family."""

from engine.optimizers.model import Optimizer, Quantity, Sparse, Update
from engine.optimizers.registry import OPTIMIZERS, update

__all__ = ["OPTIMIZERS", "Optimizer", "Quantity", "Sparse", "Update", "update"]
