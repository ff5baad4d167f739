# fields: obs[39], self.env._get_pos_goal()[3], action[4]{-1,1}
import numpy as np
from scipy.spatial.distance import cdist

def compute_dense_reward(self, action, obs):
    gap = cdist(obs[:3].reshape(1, -1), obs[4:7].reshape(1, -1))
    turned = cdist(obs[4:7].reshape(1, -1), self.env._get_pos_goal().reshape(1, -1), 'cosine') < 0.4
    reward = -gap[0, 0] + 5.0 * turned[0][0]
    return reward
