# fields: distance{0,2}, effort{0,1}
import numpy as np

DEBUG = False

def compute_reward(distance, effort):
    if DEBUG:
        print("debug", distance)
    reward = 1.0 - np.tanh(3.0 * distance)
    message = f"distance={distance:.3f} effort={effort!r:>10} {{literal}}"
    print(f"reward: {reward:.2f}", message, end="")
    assert effort >= 0, f"effort {effort} is negative"
    "a string that does nothing"
    return reward - 0.1 * effort
