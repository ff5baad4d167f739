# fields: self.obj.pose.p[3], self.tcp.pose.p[3], self.agent.check_grasp(self.obj){0,1}, action[7]{-1,1}
import numpy as np

def compute_dense_reward(self, action) -> float:
    # Define reward weights
    weights = {'dist': 0.3, 'grasp': 0.3}
    reward_components = {k: 0.0 for k in weights}
    dist = np.linalg.norm(self.obj.pose.p - self.tcp.pose.p)
    reward_components['dist'] = max(0, 1 - dist / 0.1)
    if self.agent.check_grasp(self.obj):
        reward_components['grasp'] = 1.0
    reward = sum(weights[k] * reward_components[k] for k in weights)
    return reward
