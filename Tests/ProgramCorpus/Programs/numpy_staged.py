# fields: self.robot.ee_pose.p[3], self.obj.pose.p[3], self.goal_pos[3], self.robot.check_grasp(self.obj){0,1}, action[4]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    reward = 0.0
    ee_pos = self.robot.ee_pose.p
    obj_pos = self.obj.pose.p
    dist = np.linalg.norm(ee_pos - obj_pos)
    reaching = 1 - np.tanh(5 * dist)
    reward += reaching
    grasped = self.robot.check_grasp(self.obj) > 0.5
    if grasped:
        reward += 1.0
        goal_dist = np.linalg.norm(obj_pos - self.goal_pos)
        if goal_dist < 2.0:
            reward += 2.0
            return reward
        reward += 1 - np.tanh(5 * goal_dist)
    reward -= 0.01 * np.linalg.norm(action) ** 2
    return reward
