# fields: self.root_link.pose.p[3], self.root_link.velocity[3], self.target_xy[2], self.agent.get_ee_coords()[4,3], self.chair_pcd[12,3], self.root_link.pose.to_transformation_matrix()[4,4]{-1,1}, action[20]{-1,1}
import numpy as np
from scipy.spatial import distance as sdist

def compute_dense_reward(self, action):
    ee_coords = np.array(self.agent.get_ee_coords())
    ee_mids = np.array([ee_coords[:2].mean(0), ee_coords[2:].mean(0)])
    dist_ees_to_chair = sdist.cdist(ee_coords, self.chair_pcd).min(1)
    dist_mid = sdist.cdist(ee_mids, self.chair_pcd).min(-1).mean()
    log_dist = np.clip(np.log(dist_ees_to_chair + 1e-5), -10, 0)
    reward = -dist_ees_to_chair.mean() * 2 - log_dist.mean() * 0.1 - dist_mid
    displacement = self.root_link.pose.p[:2] - self.target_xy
    far = np.linalg.norm(displacement)
    chair_vel = self.root_link.velocity[:2]
    chair_vel_dir = sdist.cosine(chair_vel, displacement)
    speed = np.linalg.norm(chair_vel)
    z_axis_chair = self.root_link.pose.to_transformation_matrix()[:3, 2]
    chair_tilt = np.arccos(np.clip(z_axis_chair[2], -1, 1))
    stage_reward = -10
    if dist_ees_to_chair.max() < 2.0:
        stage_reward += 2
        if far <= 1.0:
            stage_reward += 2 if speed < 1.5 else -speed
        else:
            reward += speed * chair_vel_dir
    reward += stage_reward - 0.2 * max(chair_tilt - np.pi / 8, 0)
    return reward
