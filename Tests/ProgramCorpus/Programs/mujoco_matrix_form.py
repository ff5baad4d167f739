# fields: state[4], action[2]{-1,1}
import numpy as np

def compute_reward(state, action):
    Q = np.diag([1.0, 1.0, 0.1, 0.1])
    R = 0.01 * np.eye(2)
    S = np.array([[1.0, 0.0], [0.0, -1.0], [0.5, 0.5], [0.0, 0.1]])
    cost = state.T @ Q @ state + action @ R @ action + 2 * 0.01 * (state @ S) @ action
    return -0.5 * float(cost)
