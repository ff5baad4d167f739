# fields: joints[6], limits[6,2], weights[6]{0,1}
import numpy as np
import math

SCALES = (1.0, 2.0, 0.5)
LOOKUP = {"near": 0.3, "far": 1.2}

def penalty(q, low, high, margin=0.1):
    """Distance outside of the limits."""
    if q < low:
        return (low - q) + margin
    if q > high:
        return (q - high) + margin
    return 0.0

def compute_reward(joints, limits, weights):
    total = 0.0
    parts = []
    for i in range(6):
        total -= weights[i] * penalty(joints[i], limits[i, 0], limits[i][1])
        parts.append(joints[i] * SCALES[i % 3])
    i = 0
    while i < 3:
        total += math.sin(parts[i]) * LOOKUP["near"] + math.exp(-abs(parts[i]) / LOOKUP["far"])
        i += 1
    smallest, *middle, largest = sorted(parts)
    total += smallest - largest + sum(middle) / len(middle)
    matrix = np.zeros((2, 3))
    for row in range(2):
        for column in range(3):
            matrix[row, column] = joints[row * 3 + column]
    total += matrix.sum(axis=0).max() + np.trace(matrix[:, :2]) + matrix.T[0].sum()
    pairs = {k: v for k, v in zip(("a", "b"), joints)}
    total += pairs["a"] - pairs.get("b", 0) + pairs.get("c", 1.5)
    nearest = np.argmin(np.abs(joints))
    total += joints[nearest] + nearest
    return total
