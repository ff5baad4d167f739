# fields: self.robot.qpos[9], self.cube.pose.p[3], self.cube.pose.q[4]{0.1,1}, self.goal.pose.p[3], self.goal.pose.q[4]{0.1,1}, self.tcp.pose.p[3], action[8]{-1,1}
import numpy as np
import transforms3d

def compute_dense_reward(self, action):
    q1 = self.cube.pose.q / np.linalg.norm(self.cube.pose.q)
    mat = transforms3d.quaternions.quat2mat(q1)
    rel = self.cube.pose.inv() * self.goal.pose
    rel2 = self.cube.pose * self.goal.pose.inv()
    ang = 2 * np.arctan2(np.linalg.norm(rel.q[1:]), abs(rel.q[0]))
    H = (self.goal.pose.inv() * self.cube.pose).to_transformation_matrix()
    return -ang + mat[2, 2] + rel2.p[0] + H[0, 3]
