# fields: x_velocity, height{0,2}, torso_angle, action[3]{-1,1}
import numpy as np

def compute_reward(x_velocity, height, torso_angle, action):
    speed = np.clip(x_velocity, -1.0, 1.5)
    upright = np.cos(torso_angle)
    tall = float(height > 0.7)
    effort = 1e-3 * np.sum(np.square(action))
    reward = speed + 0.5 * upright + tall - effort
    return reward, {"speed": speed, "upright": 0.5 * upright, "tall": tall, "effort": -effort}
