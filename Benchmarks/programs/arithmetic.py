# fields: x_velocity, torso_angle, action[6]{-1,1}
def compute_reward(x_velocity, torso_angle, action):
    effort = 0.0
    for i in range(6):
        effort += action[i] * action[i]
    slip = abs(x_velocity - 2.0)
    return x_velocity * 1.5 - 0.1 * effort - 0.5 * torso_angle * torso_angle - (slip if slip < 1.0 else 1.0)
