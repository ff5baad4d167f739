# fields: head_velocity[2], body_angles[3]{-1.5,1.5}, action[2]{-1,1}, previous_action[2]{-1,1}
import numpy as np

def compute_reward(head_velocity, body_angles, action, previous_action):
    forward, sideways = head_velocity
    curvature = np.sum(np.abs(np.diff(body_angles)))
    jerk = np.sum((action - previous_action) ** 2)
    gate = 1 / (1 + np.exp(-4 * (forward - 0.5)))
    band = np.interp(curvature, [0.0, 1.0, 2.0, 4.0], [0.0, 1.0, 1.0, 0.2])
    level = np.select([forward < 0, forward < 1, forward >= 1], [-1.0, 0.5 * forward, 1.0], default=0.0)
    step = np.digitize(abs(sideways), [0.5, 1.0, 1.5])
    return gate + 0.3 * band + level - 0.1 * step - 0.05 * jerk
