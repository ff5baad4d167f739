# fields: obs[17], next_obs[17], action[6]{-1,1}, step{0,1000}, terminated{0,1}
import numpy as np

FORWARD_WEIGHT = 1.0
CONTROL_WEIGHT = 0.1

def compute_reward(obs, next_obs, action, step, terminated):
    velocity = next_obs[8]
    pitch = next_obs[1]
    acceleration = next_obs[8:] - obs[8:]
    smooth = np.exp(-np.mean(np.abs(acceleration)))
    upright = 1.0 if np.abs(pitch) < 0.5 else np.exp(-4 * (abs(pitch) - 0.5))
    control = CONTROL_WEIGHT * np.square(action).sum()
    early = 0.1 * (1 - step / 1000)
    reward = FORWARD_WEIGHT * np.tanh(velocity) + upright + smooth - control + early
    if terminated:
        reward -= 10
    return reward, {"velocity": np.tanh(velocity), "upright": upright, "smooth": smooth, "control": -control}
