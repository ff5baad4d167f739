# fields: self.robot.ee_pose.p[3], self.link.pose.p[3], self.link.qpos{0,1}, self.link.target_qpos{0.5,1}, self.link.target_grasp_poses[0].p[3], self.link.target_grasp_poses[1].p[3], action[8]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    dists = [np.linalg.norm(self.robot.ee_pose.p - pose.p) for pose in self.link.target_grasp_poses]
    r = -min(dists)
    n = len(self.link.target_grasp_poses)
    return r / n + (self.link.qpos >= self.link.target_qpos)
