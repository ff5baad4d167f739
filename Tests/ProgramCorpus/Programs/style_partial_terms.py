# fields: position[3], goal[3], is_held{0,1}, action[2]{-1,1}
import numpy as np

def compute_reward(position, goal, is_held, action):
    distance = np.linalg.norm(position - goal)
    terms = {"reach": -distance}
    if is_held > 0.5:
        terms["hold"] = 1.0
        if position[2] > 0.2:
            terms["lift"] = position[2]
    elif distance < 1.0:
        terms["near"] = 1.0 - distance
    if "lift" in terms:
        terms["effort"] = -0.02 * np.sum(action ** 2)
    extra = {"hold": 0.25}
    if distance > 2.0:
        extra["far"] = -0.5
    total = sum(terms.values()) + 0.1 * terms.get("near", -1.0) + sum(extra.values())
    if "near" not in terms:
        terms["near"] = 0.05
    total += terms["near"] + 0.01 * len(terms)
    return total, terms
