# fields: x_position, x_velocity, torso_angle, action[3], obs[5]
# kind: fitness
import numpy as np

def fitness(x_position, x_velocity, torso_angle, action):
    upright = np.mean(np.abs(torso_angle) < 0.2)
    progress = x_position[-1] - x_position[0]
    late = x_velocity[-10:].mean()
    jerk = np.mean(np.sum((action[1:] - action[:-1]) ** 2, axis=-1))
    fast = x_velocity[x_velocity > 0.5].mean()
    return progress * upright + late - 0.1 * jerk + np.std(x_velocity) + fast + len(x_position) * 0.01 + np.median(x_velocity)
