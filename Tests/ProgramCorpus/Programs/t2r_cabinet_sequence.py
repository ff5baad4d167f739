# fields: self.robot.get_ee_coords()[2,3], self.cabinet.handle.get_world_pcd()[8,3], self.cabinet.handle.qpos{0,1}, self.cabinet.handle.qvel, self.cabinet.handle.target_qpos{0.5,1}, self.cabinet.handle.check_static(){0,1}, self.robot.base_position[2], self.cabinet.pose.p[3], action[11]{-1,1}
import numpy as np
from scipy.spatial.distance import cdist

def compute_dense_reward(self, action) -> float:
    ee_coords = self.robot.get_ee_coords()
    handle_pcd = self.cabinet.handle.get_world_pcd()

    # stage 1: reach
    dist_matrix = cdist(ee_coords, handle_pcd)
    reach = -np.log(dist_matrix.min(axis=-1) + 1e-3).mean()
    reach = np.clip(reach, -3, 3) * 0.5

    # stage 2: open
    remaining = max(self.cabinet.handle.target_qpos - self.cabinet.handle.qpos, 0.0)
    open_ratio = 1.0 - remaining / self.cabinet.handle.target_qpos
    base_dist = np.linalg.norm(self.robot.base_position - self.cabinet.pose.p[:2])
    reward = reach - 0.1 * (base_dist - 0.8) ** 2
    if open_ratio > 0.2:
        reward = reward + 2 * open_ratio
        if open_ratio >= 0.9:
            reward = reward + (2.0 if self.cabinet.handle.check_static() else 0.5)
    elif open_ratio > 0.1:
        reward = reward + open_ratio
    else:
        reward = reward - 0.05 * abs(self.cabinet.handle.qvel)
    return reward - 0.005 * float(np.dot(action, action))
