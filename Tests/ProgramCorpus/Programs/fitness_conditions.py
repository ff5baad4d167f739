# fields: distance{0,2}, success{0,1}, energy[2], step{1,100}
# kind: fitness
import numpy as np
def task_score(distance, success, energy, step):
    solved = success > 0.8
    if solved.any():
        first = int(np.argmax(solved))
        speed = 1.0 - first / len(success)
    else:
        speed = 0.0
    score = speed + np.mean(solved[-10:])
    score -= 0.01 * np.mean(np.sum(np.square(energy), axis=1))
    far = distance[solved]
    score += np.sum(distance > 1.5) / distance.shape[0]
    return max(score, -1.0) + 0.1 * np.min(distance[-20:]) - 0.1 * np.max(distance[:20]) + distance[3] - distance[-2] + np.sum(np.where(distance < 0.5, 1.0, 0.0)) + np.any(distance < 0.1)
