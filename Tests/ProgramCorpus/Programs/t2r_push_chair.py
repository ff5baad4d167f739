# fields: self.chair.pcd[10,3], self.chair.velocity[3], self.robot.ee_poses[2,3], self.target_xy[2], self.chair.get_tilt_angle(){0,1}, self.chair.pose.to_transformation_matrix()[4,4], action[20]{-1,1}
import numpy as np
from scipy.spatial.distance import cdist

def compute_dense_reward(self, action: np.ndarray):
    local = transform_points(np.linalg.inv(np.eye(4) * 2), self.chair.pcd)
    ee_to_chair = cdist(self.robot.ee_poses, self.chair.pcd)
    nearest = ee_to_chair.min(axis=1)
    log_dist = np.log(nearest + 1e-5)
    log_dist = np.clip(log_dist, -10, 0)
    reward_reach = -np.mean(log_dist) * 0.01 - nearest.mean() * 0.5
    chair_xy = self.chair.pose.to_transformation_matrix()[:2, 3]
    to_target = self.target_xy - chair_xy
    dist = np.linalg.norm(to_target)
    v = self.chair.velocity[:2]
    speed = np.linalg.norm(v)
    cos_theta = np.dot(v, to_target) / (speed * dist + 1e-9)
    stage_reward = -10.0
    if nearest.max() < 3.0:
        stage_reward += 2
        if dist <= 1.0:
            stage_reward += 2
            if speed < 1.0:
                stage_reward += 1
        else:
            stage_reward += (1 - np.exp(-speed)) * cos_theta
    tilt = self.chair.get_tilt_angle()
    penalty = max(tilt - 0.3, 0) * 2
    centroid = local.mean(0)
    far = np.argmax(ee_to_chair.sum(axis=0))
    return reward_reach + stage_reward - penalty - 1e-2 * np.sum(action ** 2) + centroid[2] + self.chair.pcd[far, 0] + far
