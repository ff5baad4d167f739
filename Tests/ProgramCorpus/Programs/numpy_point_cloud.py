# fields: self.tcp.pose.to_transformation_matrix()[4,4], self.link.pcd[12,3], self.link.qpos{0,1}, self.target_qpos{0.5,1}, self.finger1[3], self.finger2[3]
import numpy as np
from scipy.spatial.distance import cdist

def compute_dense_reward(self, action):
    tcp_pose = self.tcp.pose.to_transformation_matrix()
    pcd = self.link.pcd
    fingers = np.stack([self.finger1, self.finger2])
    dist = cdist(fingers, pcd)
    min_dist = dist.min()
    reach = 1 - np.tanh(min_dist * 5.0)
    world = pcd @ tcp_pose[:3, :3].T + tcp_pose[:3, 3]
    center = world.mean(axis=0)
    angle = np.arccos(np.clip(np.dot(tcp_pose[:3, 2] / (np.linalg.norm(tcp_pose[:3, 2]) + 1e-6), np.array([0, 0, 1.0])), -1, 1))
    progress = self.link.qpos / self.target_qpos
    transformed = transform_points(tcp_pose, pcd)
    return reach - 0.1 * np.linalg.norm(center) - 0.05 * angle + 2 * progress + 0.01 * transformed.max()
