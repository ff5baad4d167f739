# fields: height{0,2}, x_velocity, action[3]{-1,1}
# kind: fitness
import numpy as np

def count_true(flags):
    return np.sum(flags)

def fitness(height, x_velocity, action):
    steps = x_velocity.shape[0]
    weights = np.ones(steps)
    weights[:] = 0.5
    airborne = height > 1.2
    takeoffs = count_true(airborne[1:] & ~airborne[:-1])
    landings = np.sum(np.logical_and(airborne[:-1], np.logical_not(airborne[1:])))
    rate = takeoffs / steps
    half = x_velocity[:20].mean() - x_velocity[-20:].mean()
    effort = np.mean(np.linalg.norm(action, axis=1))
    span = height.max() - height.min()
    clipped = np.clip(x_velocity, 0, 1).mean()
    bonus = 1.0 if height[-1] > 1.0 else 0.0
    penalties = [0.1 * effort, 0.01 * abs(half)]
    tail = [x_velocity[-i] for i in range(1, 4)]
    return 10 * rate + landings + half - effort + span + clipped + bonus - sum(penalties) + sum(tail) / len(tail) + (weights * x_velocity).sum() + np.dot(weights, height) / steps + (action[:, 0] * action[:, 1]).mean() + action.mean(axis=0)[2] + action.max(axis=0).sum() + np.mean(action ** 2)
