# fields: self.robot.ee_position[3], self.obj1.position[3], self.goal_position[3], self.obj1.velocity[3], self.prev_obj_position[3], action[4]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    # progress of the object towards the goal since the last step
    before = np.linalg.norm(self.prev_obj_position - self.goal_position)
    now = np.linalg.norm(self.obj1.position - self.goal_position)
    progress = before - now
    push_direction = (self.goal_position - self.obj1.position)[:2]
    push_direction = push_direction / max(np.linalg.norm(push_direction), 1e-6)
    behind = self.obj1.position[:2] - 0.1 * push_direction
    align = np.linalg.norm(self.robot.ee_position[:2] - behind)
    along = self.obj1.velocity[:2].dot(push_direction)
    return 10 * progress - 0.5 * align + np.tanh(along) - 0.01 * np.mean(np.abs(action)) + (now < 0.3) * 5
