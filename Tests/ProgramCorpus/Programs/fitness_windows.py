# fields: error{0,1}, pose[3], goal[3]
# kind: fitness
import numpy as np

def fitness(error, pose, goal):
    T = len(error)
    distance = np.linalg.norm(pose - goal, axis=1)
    late = distance[T // 2:] if False else distance[-10:]
    early = distance[:10]
    improved = early.mean() - late.mean()
    inside = distance < 1.0
    fraction = inside.sum() / T
    integral = np.trapezoid(error, dx=0.05)
    every_other = error[::2].mean()
    backwards = error[::-1][0]
    return improved + fraction - integral / T + 0.1 * every_other + 0.1 * backwards
