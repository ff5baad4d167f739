# fields: self.bucket.pose.to_transformation_matrix()[4,4]{-1,1}, self.bucket_body_link.pose.p[3], self.target_xy[2], self.init_bucket_to_target{1,3}, self.robot.get_ee_coords()[4,3], self.bucket.get_pcd()[7,3], action[20]{-1,1}
import numpy as np
from scipy.spatial.distance import cdist

def compute_dense_reward(self, action):
    ee = self.robot.get_ee_coords()
    left, right = ee[:2], ee[2:]
    mids = np.stack([left.mean(axis=0), right.mean(axis=0)])
    pcd = self.bucket.get_pcd()
    d = cdist(mids, pcd).min(axis=-1)
    z = self.bucket.pose.to_transformation_matrix()[:3, 2]
    unit = z / np.maximum(np.linalg.norm(z), 1e-3)
    angle = np.arcsin(np.clip(np.linalg.norm(np.cross(unit, np.array([0, 0, 1]))), -1, 0.999))
    bucket_to_target = np.linalg.norm(self.bucket_body_link.pose.p[:2] - self.target_xy)
    fraction = np.clip(bucket_to_target / self.init_bucket_to_target, 0, 1)
    stage = {"reach": -d.mean(), "tilt": -max(angle - np.pi / 6, 0.0), "carry": 1 - fraction}
    weights = np.array([1.0, 0.2, 3.0])
    return float(weights @ np.array(list(stage.values()))) + 0.5 * np.log1p(np.abs(d[0] - d[1]))
