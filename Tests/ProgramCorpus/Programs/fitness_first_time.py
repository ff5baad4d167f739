# fields: distance{0,2}, success{0,1}, reward_sum
# kind: fitness
import numpy as np

def fitness(distance, success):
    reached = distance < 0.2
    first = np.argmax(reached)
    ever = reached.any()
    time_share = first / len(distance)
    kept = np.mean(success[-5:] > 0.5)
    return float(ever) * (1.0 - 0.5 * time_share) + 0.5 * kept
