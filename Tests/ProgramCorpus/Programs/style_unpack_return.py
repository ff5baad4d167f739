# fields: a[3], b[3], c{-1,1}
import numpy as np

def measures(a, b):
    diff = a - b
    return np.linalg.norm(diff), diff / (np.linalg.norm(diff) + 1e-9), {"z": diff[2]}

def compute_reward(a, b, c):
    distance, direction, extra = measures(a, b)
    (dx, dy, *_), sign = direction, np.sign(c)
    first, *middle, last = [distance, dx, dy, extra["z"]]
    swap, keep = last, first
    swap, keep = keep, swap
    return -swap + sign * 0.1 * keep + sum(middle) * 0.01
