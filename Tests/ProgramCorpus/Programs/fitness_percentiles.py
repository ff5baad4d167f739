# fields: speed{0,3}, height{0,2}, action[3]{-1,1}
# kind: fitness
import numpy as np

def fitness(speed, height, action):
    target = np.percentile(speed, 90)
    worst = np.min(height)
    effort = np.mean(np.sum(action ** 2, axis=1))
    peak = np.max(np.linalg.norm(action, axis=-1))
    steady = 1.0 / (1.0 + np.std(speed))
    if worst < 0.05:
        return -1.0
    return target * steady - 0.1 * effort - 0.05 * peak
