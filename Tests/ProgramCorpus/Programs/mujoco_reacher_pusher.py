# fields: fingertip[3], target[3], object_position[3], joint_velocity[7], action[7]{-1,1}
import numpy as np
from numpy.linalg import norm

def compute_reward(fingertip, target, object_position, joint_velocity, action):
    near = norm(object_position - fingertip)
    dist = norm(object_position - target)
    ctrl = np.square(action).sum()
    near_reward = -near
    dist_reward = -dist
    precision = sum(bonus for threshold, bonus in [(1.0, 0.5), (0.5, 1.0), (0.2, 2.0)] if dist < threshold)
    along = np.dot(object_position - fingertip, target - object_position)
    along /= (near * dist + 1e-8)
    damping = -0.01 * np.max(np.abs(joint_velocity))
    return dist_reward + 0.5 * near_reward - 0.1 * ctrl + precision + 0.1 * along + damping
