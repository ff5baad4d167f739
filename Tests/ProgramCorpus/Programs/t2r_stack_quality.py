# fields: self.cubeA.pose.p[3], self.cubeB.pose.p[3], self.cubeA.pose.to_transformation_matrix()[4,4]{-1,1}, self.robot.qpos[9]{0,0.04}, self.robot.check_grasp(self.cubeA){0,1}, self.cubeA.check_static(){0,1}, self.cube_half_size[3]{0.02,0.02}, action[8]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    A, B = self.cubeA.pose.p, self.cubeB.pose.p
    xy_flag = np.linalg.norm((A - B)[:2]) <= np.linalg.norm(2 * self.cube_half_size[:2]) + 0.5
    z_flag = np.abs((A - B)[2] - 2 * self.cube_half_size[2]) <= 0.9
    is_on = bool(xy_flag and z_flag)
    gripper_width = np.sum(self.robot.qpos[-2:]) * 2
    # angle between the cubes' axes and the vertical, whichever axis is nearest to it
    rot = self.cubeA.pose.to_transformation_matrix()[:3, :3]
    tilt = np.max(np.abs(rot[2, :]))
    reward = 0.0
    if is_on and self.cubeA.check_static() and not self.robot.check_grasp(self.cubeA):
        reward = 15.0
    else:
        place = 1 - np.tanh(np.abs(A - np.r_[B[:2], B[2] + 0.04]).sum()) if False else 1 - np.tanh(np.abs(A - np.array([*B[:2], B[2] + 0.04])).sum())
        reward += place
        if self.robot.check_grasp(self.cubeA):
            reward += 1 + 0.5 * (1 - np.tanh(5 * abs(gripper_width - 0.04)))
        reward += 0.2 * tilt
    return reward - 1e-3 * (action ** 2).sum()
