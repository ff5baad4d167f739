# fields: position[3], velocity[3], target[3]
from __future__ import annotations
from typing import Dict, Optional, Tuple
import numpy as np
import math


def gaussian(value: float, mean: float = 0.0, sigma: float = 1.0) -> float:
    """A bump at `mean`."""
    return math.exp(-0.5 * ((value - mean) / sigma) ** 2)


def compute_reward(position: np.ndarray, velocity: np.ndarray, target: np.ndarray, scale: Optional[float] = None) -> Tuple[float, Dict[str, float]]:
    if scale is None:
        scale = 1.0
    assert position.shape == (3,), f"bad shape {position.shape}"
    error: np.ndarray = target - position
    distance: float = float(np.linalg.norm(error))
    direction = error / max(distance, 1e-6)
    closing = float(direction @ velocity)
    components: Dict[str, float] = {}
    components["near"] = gaussian(distance, sigma=0.7)
    components["closing"] = math.tanh(closing)
    components["slow"] = -0.1 * float(np.dot(velocity, velocity))
    weights = {"near": 2.0, "closing": 0.5, "slow": 1.0}
    total = sum(weights[name] * value for name, value in components.items())
    return total, components
