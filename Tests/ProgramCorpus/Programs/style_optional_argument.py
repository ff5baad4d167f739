# fields: q[7], qd[7], goal[3], ee[3], action[7]{-1,1}
import numpy as np

def reward_fn(q, qd, goal, ee, action, prev_dist=None):
    dist = np.linalg.norm(goal - ee)
    prev_dist = dist if prev_dist is None else prev_dist
    gain = prev_dist - dist
    w = np.linspace(1, 0.1, num=7)
    quad = (w * qd ** 2).sum()
    if np.any(np.abs(q) > 1.9) or np.isnan(dist):
        return -5.0
    return gain - 0.01 * quad + np.exp(-dist) * (dist < 1e9)
