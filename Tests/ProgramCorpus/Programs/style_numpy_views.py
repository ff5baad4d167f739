# fields: x[4], y[4]
import numpy as np
def compute_reward(x, y):
    z = x
    z += y
    view = z[1:3]
    view[:] = 0.5
    view *= 3
    w = z.copy()
    w[0] = 100
    total = x[0] + x[1] + x[2] + z.sum()
    grid = z.reshape(2, 2)
    grid[0, 1] = -1
    t = grid.T
    t[0, 1] += 7
    flat = grid.ravel()
    return total + z[1] + z[2] + flat.sum() + x.sum()
