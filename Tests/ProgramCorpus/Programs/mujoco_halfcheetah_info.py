# fields: x_velocity, z_velocity, torso_angle, torso_height{0.2,1}, action[6]{-1,1}, joint_velocities[6]
import numpy as np

def compute_reward(x_velocity, z_velocity, torso_angle, torso_height, action, joint_velocities):
    """Run forward; keep the back level; do not flail."""
    info = {}
    info["run"] = 2.0 * np.tanh(0.5 * x_velocity)
    info["level"] = 0.3 * (1.0 + np.cos(torso_angle)) / 2.0
    info["height"] = -abs(torso_height - 0.6)
    info["control"] = -0.1 * float(np.square(action).sum())
    info["flail"] = -0.001 * np.sum(np.abs(joint_velocities))
    info["bounce"] = -0.05 * z_velocity ** 2
    total = sum(info.values())
    if torso_angle < -1.2 or torso_angle > 1.2:
        total -= 1.0
        info["control"] *= 2
    return total, info
