# fields: self.robot.ee_position[3], self.obj1.position[3], self.obj1.quaternion[4]{0.1,1}, self.goal_position[3], self.robot.gripper_openness{0,1}, action[4]{-1,1}, obs[39]
import numpy as np
import math

def compute_dense_reward(self, action, obs) -> float:
    def gaussian(distance, sigma=0.1):
        """1 at no distance, falling off with sigma."""
        return math.exp(-(distance ** 2) / (2 * sigma ** 2))

    hand = self.robot.ee_position
    button = self.obj1.position
    approach_point = button + np.array([0.0, -0.1, 0.0])
    reach = gaussian(np.linalg.norm(hand - approach_point), sigma=1.0)
    pressed_depth = np.clip((self.goal_position[1] - button[1]) / 2.0, -1, 1)
    press = 1.0 - abs(pressed_depth)
    closed = 1.0 - self.robot.gripper_openness
    reward = 0.35 * reach + 0.6 * press + 0.05 * closed
    if (np.abs(button - self.goal_position) < [0.5, 0.5, 0.5]).all():
        reward += 1.0
    return reward * 10
