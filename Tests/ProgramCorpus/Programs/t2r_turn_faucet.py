# fields: action[7]{-1,1}, self.tcp.pose.p[3], self.target_link_pos[3], self.target_angle{1,2}, self.current_angle{0,1}, self.init_angle{-1,0}, self.target_joint_axis[3], self.faucet.pcd[8,3], self.tcp.pose.q[4]
import numpy as np
from scipy.spatial.distance import cdist

def compute_dense_reward(self, action, **kwargs):
    distance_to_link = np.linalg.norm(self.tcp.pose.p - self.target_link_pos)
    reaching_reward = -distance_to_link
    angle_diff = self.target_angle - self.current_angle
    turn_reward = max(0.0, (self.current_angle - self.init_angle) / (self.target_angle - self.init_angle))
    regularization = -0.01 * np.sum(np.square(action)) if action is not None else 0.0
    nearest = np.min(cdist(self.tcp.pose.p.reshape(1, 3), self.faucet.pcd))
    if angle_diff < 0.5:
        completion = 10.0
    elif angle_diff < 1.0:
        completion = 5.0 * (1 - angle_diff)
    else:
        completion = 0.0
    reward = 1.0 * reaching_reward + 2.0 * turn_reward + completion - nearest
    return float(reward)
