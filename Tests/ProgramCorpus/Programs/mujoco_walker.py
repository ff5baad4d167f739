# fields: obs[17], action[6]{-1,1}, forward_reward_weight{1,1}
import numpy as np

HEALTHY_Z = (0.8, 2.0)
HEALTHY_ANGLE = (-1.0, 1.0)

def is_healthy(z, angle):
    min_z, max_z = HEALTHY_Z
    return min_z < z < max_z and HEALTHY_ANGLE[0] < angle < HEALTHY_ANGLE[1]

def compute_reward(obs, action):
    z, angle = obs[0], obs[1]
    joints = obs[2:8]
    velocities = obs[8:]
    healthy = is_healthy(z + 1.0, angle)
    forward = velocities[0]
    symmetry = np.abs(joints[:3] - joints[3:]).mean()
    reward = forward if healthy else min(forward, 0.0) - 1.0
    reward += 1.0 * healthy
    reward -= 1e-3 * np.sum(action ** 2)
    return reward - 0.05 * symmetry
