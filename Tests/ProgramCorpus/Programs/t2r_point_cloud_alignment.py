# fields: self.bucket.pcd[9,3], self.robot.ee_pcd[6,3], self.platform.position[3], self.bucket.pose.transformation[4,4]{-1,1}, self.bucket.angular_velocity[3], action[15]{-1,1}
import numpy as np
from scipy.spatial.distance import cdist

def compute_dense_reward(self, action):
    bucket, ee = self.bucket.pcd, self.robot.ee_pcd
    pairwise = cdist(ee, bucket)
    contact = pairwise.min(axis=1)
    reward_reach = -np.mean(contact) - 0.2 * np.mean(np.clip(np.log(contact + 1e-5), -10, 0))
    center = bucket.mean(axis=0)
    extent = bucket.max(axis=0) - bucket.min(axis=0)
    lateral = np.linalg.norm(center[:2] - self.platform.position[:2])
    top = bucket[:, 2].max()
    R = self.bucket.pose.transformation[:3, :3]
    z_world = R[:, -1] / (np.linalg.norm(R[:, -1]) + 1e-9)
    tilt = np.arccos(np.clip(z_world @ np.array([0.0, 0.0, 1.0]), -1.0, 1.0))
    hom = np.hstack([bucket, np.ones((len(bucket), 1))])
    moved = (self.bucket.pose.transformation @ hom.T).T[:, :3]
    reward = reward_reach - 0.5 * lateral - 0.1 * tilt + 0.05 * extent.prod() + 0.01 * moved.mean() + 0.1 * top
    if np.all(contact < 1.2):
        reward += 2.0
    if lateral < 0.5 and tilt < np.pi / 4:
        reward += 5.0 - np.linalg.norm(self.bucket.angular_velocity)
    return reward
