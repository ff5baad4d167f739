"""Guerdon's reward programs: compiled, checked, and evaluated on numpy arrays in place."""

from guerdon._library import GuerdonError
from guerdon._program import Evaluation, Program, load

__all__ = ["Evaluation", "GuerdonError", "Program", "RewardWrapper", "load"]
__version__ = "0.1.0"


def __getattr__(name):
    # Gymnasium is only needed by the wrapper.
    if name == "RewardWrapper":
        from guerdon._wrapper import RewardWrapper

        return RewardWrapper
    raise AttributeError(f"module 'guerdon' has no attribute '{name}'")
