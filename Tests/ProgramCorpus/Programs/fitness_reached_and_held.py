# fields: gap{0,1}, grasp{0,1}, lift{0,1}
# kind: fitness
import numpy as np

GRASPED, LIFTED = 0.5, 0.6

def longest_share(mask):
    return np.max(np.cumsum(mask)) / len(mask)

def fitness(gap, grasp, lift):
    near = gap < 0.3
    if not np.any(near):
        return -gap.min()
    start = int(np.argmax(near))
    held = np.logical_and(grasp > GRASPED, lift > LIFTED)
    final = 1.0 if held[-1] else 0.0
    best = lift.max() - lift[0]
    return 1.0 + longest_share(held) + final + best - 0.001 * start
