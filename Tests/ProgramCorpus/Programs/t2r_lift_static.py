# fields: self.cubeA.pose.p[3], self.robot.ee_pose.p[3], self.robot.qvel[7]{-0.4,0.4}, self.cube_half_size{0.02,0.02}, self.goal_height{0.2,0.2}, self.robot.check_grasp(self.cubeA, max_angle=30){0,1}, action[7]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    reward = 0.0
    lifted = self.cubeA.pose.p[2] >= self.cube_half_size + self.goal_height
    static = np.max(np.abs(self.robot.qvel)) <= 0.2
    if lifted and static:
        reward += 5
        return reward
    gap = np.linalg.norm(self.cubeA.pose.p - self.robot.ee_pose.p)
    reward += 1 - np.tanh(5 * gap)
    grasped = self.robot.check_grasp(self.cubeA, max_angle=30)
    reward += 1 if grasped else 0.0
    if grasped:
        height_gap = np.abs(self.goal_height - (self.cubeA.pose.p[2] - self.cube_half_size))
        reward += 1 - np.tanh(5 * height_gap)
        if lifted:
            reward += 1 - np.tanh(np.linalg.norm(self.robot.qvel))
    return reward
