# fields: self.cubeA.pose.p[3], self.robot.ee_pose.p[3], self.goal_pos[3], action[7]{-1,1}
import numpy as np
from scipy.spatial.distance import euclidean

class RewardFunction:
    WEIGHT = 2.0

    def compute_dense_reward(self, action):
        d = euclidean(self.cubeA.pose.p, self.robot.ee_pose.p)
        return -self.WEIGHT * d
