# fields: self.target_link.pose.p[3], self.target_link.pose.q[4]{0.1,1}, self.agent.hand.pose.p[3], self.agent.hand.pose.q[4]{0.1,1}, action[8]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    relative = self.target_link.pose.inv() * self.agent.hand.pose
    position_error = np.linalg.norm(relative.p)
    orientation_error = np.linalg.norm(relative.q / np.linalg.norm(relative.q) - np.array([1.0, 0, 0, 0]))
    reward = max(0, 2.0 - position_error) * 0.2
    reward += max(0, 2.0 - orientation_error) * 0.1
    matrix = self.target_link.pose.to_transformation_matrix()
    z_axis = matrix[:3, 2]
    reward += 0.1 * z_axis[2] - 0.01 * np.square(action).sum()
    return reward
