# fields: self.robot.joint_positions[6], self.robot.joint_velocities[6], self.target.joint_positions[6], action[6]{-1,1}
import numpy as np
from typing import Sequence

JOINT_WEIGHTS = np.array([1.0, 1.0, 0.8, 0.5, 0.3, 0.1])
LIMITS = [(-1.5, 1.5)] * 6
N = len(LIMITS)

def weighted_norm(x: Sequence[float], w=JOINT_WEIGHTS) -> float:
    return np.sqrt(np.sum(w * np.square(x)))

def limit_violation(q):
    total = 0.0
    for value, (low, high) in zip(q, LIMITS):
        total += max(0.0, low - value) + max(0.0, value - high)
    return total / N

def compute_dense_reward(self, action):
    error = weighted_norm(self.robot.joint_positions - self.target.joint_positions)
    moving = weighted_norm(self.robot.joint_velocities, w=np.ones(N) / N)
    violation = limit_violation(self.robot.joint_positions)
    worst = int(np.argmax(np.abs(self.robot.joint_positions - self.target.joint_positions)))
    penalty = JOINT_WEIGHTS[worst]
    return np.exp(-error) - 0.05 * moving - violation - 0.01 * penalty
