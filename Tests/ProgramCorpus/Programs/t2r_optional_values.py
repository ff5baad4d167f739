# fields: obs[6], action[3]{-1,1}
import numpy as np

def compute_dense_reward(self, action, obs):
    target = None
    if obs[5] > 0.0:
        target = obs[3:]
    closest = None
    for value in obs[:3]:
        if value > 0.0 and (closest is None or value < closest):
            closest = value
    reward = 0.0
    if target is not None:
        reward -= np.linalg.norm(obs[:3] - target)
    else:
        reward -= 1.0
    if closest is not None:
        reward += 0.5 * closest
    return reward - 0.01 * np.linalg.norm(action)
