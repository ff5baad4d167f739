# fields: self.robot.ee_position[3], self.goal_position[3], self.obstacle_positions[4,3], self.obstacle_radii[4]{0.1,0.5}, self.init_distance{1,4}, action[7]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    to_goal = self.goal_position - self.robot.ee_position
    d_goal = np.sqrt(to_goal @ to_goal)
    progress = 1.0 - d_goal / self.init_distance
    clearance = np.linalg.norm(self.obstacle_positions - self.robot.ee_position, axis=1) - self.obstacle_radii
    danger = clearance < 0.3
    penalty = np.where(danger, (0.3 - clearance) ** 2, 0.0).sum()
    count = np.count_nonzero(danger)
    nearest = clearance.argmin()
    away = self.robot.ee_position - self.obstacle_positions[nearest]
    away /= np.linalg.norm(away) + 1e-8
    reward = progress - 2.0 * penalty - 0.1 * count + 0.05 * np.dot(away, action[:3])
    return reward + (5.0 if d_goal < 0.5 and count == 0 else 0.0)
