# fields: self.link_qpos{0,0.3}, self.link_qmin{0,0}, self.target_qpos{0.3,0.4}, self.link_qvel, self.robot.tcp_pose.p[3], self.handle_pcd[6,3], self.robot.base_pose.p[3], self.robot.get_finger_coords()[2,3], action[10]{-1,1}
import numpy as np
from scipy.spatial import distance as sdist

def compute_dense_reward(self, action):
    reward = 0.0
    ee_coords = self.robot.get_finger_coords()
    dist_ee_to_handle = sdist.cdist(ee_coords.reshape(-1, 3), self.handle_pcd).min(0)
    reward_dist = -dist_ee_to_handle.mean() * 0.5
    base_gap = np.linalg.norm(self.robot.base_pose.p[:2] - self.handle_pcd.mean(axis=0)[:2])
    reward_base = -np.clip(base_gap - 0.5, 0, None)
    opened = (self.link_qpos - self.link_qmin) / (self.target_qpos - self.link_qmin)
    stage = 0
    if dist_ee_to_handle.min() < 0.8:
        stage += 1
        if opened > 0.5:
            stage += 1
            reward += 2.0 - abs(self.link_qvel)
        else:
            reward += opened * 2
    reward += reward_dist + reward_base + stage
    reward += -0.05 * np.linalg.norm(action[:7]) ** 2
    return reward
