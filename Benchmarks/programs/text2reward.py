# fields: tip[3], cube[3], goal[3], grasped{0,1}, qvel[9], action[7]{-1,1}
import numpy as np


def compute_dense_reward(tip, cube, goal, grasped, qvel, action):
    reward = 0.0
    reach = np.linalg.norm(cube - tip)
    reward += 1 - np.tanh(5.0 * reach)
    if grasped > 0.5:
        reward += 1.0
        place = np.linalg.norm(goal - cube)
        reward += 2.0 * (1 - np.tanh(5.0 * place))
        if place < 0.5:
            still = np.linalg.norm(qvel[:-2])
            reward += 1 - np.tanh(5.0 * still)
    reward -= 0.01 * np.sum(np.square(action))
    return reward
