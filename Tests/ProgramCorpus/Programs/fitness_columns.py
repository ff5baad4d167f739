# fields: x_velocity, height{0,2}, action[3]{-1,1}, fingertip[2], target[2], contacts[2]{0,1}
# kind: fitness
import numpy as np

def helper(x):
    return np.exp(-x / 0.5)

def compute_fitness(x_velocity, height, action, fingertip, target, contacts):
    distance = np.linalg.norm(fingertip - target, axis=1)
    close = (distance < 1.0).mean()
    final = distance[-5:].mean()
    best = distance.min()
    first = np.argmax(distance < 1.5)
    smooth = np.abs(np.diff(action, axis=0)).sum(axis=1).mean()
    energy = (action ** 2).sum()
    alive = np.sum(height > 0.5) / len(height)
    both = np.logical_and(contacts[:, 0] > 0.5, contacts[:, 1] > 0.5).mean()
    tail = x_velocity[-100:].mean()
    every = x_velocity[::2].sum()
    reverse = x_velocity[::-1][0]
    middle = x_velocity[5:-5].std()
    run = np.cumsum(x_velocity)[-1]
    quantiles = np.percentile(x_velocity, 90) - np.quantile(x_velocity, 0.1)
    crossings = np.sum(x_velocity[1:] * x_velocity[:-1] < 0)
    if alive > 0.5:
        score = close + tail
    else:
        score = -1.0
    if crossings > 1000:
        return -5.0
    moving = x_velocity[height > 1.0]
    steady = np.std(moving)
    shape = action.shape[0] + action.shape[1]
    weights = np.linspace(0, 1, len(x_velocity))
    weighted = (weights * x_velocity).sum()
    total = sum(x_velocity) + max(height) + min(height)
    return score + final + best + first - smooth - 0.01 * energy + both + every + reverse + middle + run + quantiles + crossings + helper(distance).mean() + steady + shape + weighted + total + x_velocity.max() - np.median(height)
