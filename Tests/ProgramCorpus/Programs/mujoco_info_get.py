# fields: obs[4], info["x_velocity"], info["contact"]{0,1}, info["legs"]["left"], info["legs"]["right"]
import numpy as np

def compute_reward(obs, info):
    speed = info.get("x_velocity", 0.0)
    bonus = info.get("is_success", 0.25)
    reward = np.tanh(speed) + bonus
    for side in ("left", "right"):
        reward -= 0.1 * abs(info["legs"][side])
    legs = info["legs"]
    if "contact" in info and info["contact"] > 0.5:
        reward += 0.5 * legs["left"]
    if "missing" in info:
        reward += 100.0
    return reward - 0.01 * np.sum(obs ** 2)
