# fields: velocity[2], command[2], posture[3]
import numpy as np
from typing import Dict, Tuple, Union

Number = Union[float, np.ndarray]

def _score(error, scale):
    # type: (float, float) -> float
    return np.exp(-error / scale)  # type: ignore

def compute_reward(velocity, command, posture):
    # type: (np.ndarray, np.ndarray, np.ndarray) -> Tuple[float, Dict[str, float]]
    tracking = _score(np.sum((velocity - command) ** 2), 0.25)  # type: float
    up = -posture[2]
    terms = {'tracking': tracking, 'up': up}  # type: Dict[str, float]
    return 1.5 * terms['tracking'] + 0.2 * terms['up'], terms
