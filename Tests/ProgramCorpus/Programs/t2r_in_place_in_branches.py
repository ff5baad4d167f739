# fields: qpos[1], target[1], near, wide[3], action[3]{-1,1}
import numpy as np

def compute_dense_reward(self, action, qpos, target, near, wide):
    # An array of one element that a branch makes, and changes in place there.
    reward = 0.0
    if near < 0.2:
        reward += 0.5 * (target - qpos)
        if qpos >= target:
            reward += 10.0
        reward -= 0.25
    else:
        reward = 2.0 * qpos
        reward *= 3.0
    values = np.zeros(3)
    if near > 0.0:
        values = wide * 2.0
        values[1] = 7.0
        values[:2] += near
        if wide[0] > 0.0:
            values[2] -= 4.0
    else:
        made = [wide[0], wide[1]]
        made.append(wide[2])
        values = np.array(made)
        values += 1.0
    return reward[0] + np.sum(values) + 0.1 * values[2] - 0.01 * np.linalg.norm(action)
