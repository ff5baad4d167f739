# fields: self.robot.ee_position[3], self.obj1.position[3], self.goal_position[3], self.robot.gripper_openness{0,1}, action[4]{-1,1}, obs[39]
import numpy as np

def compute_dense_reward(self, action, obs) -> float:
    grip_to_handle = np.linalg.norm(self.robot.ee_position - self.obj1.position)
    handle_to_goal = np.linalg.norm(self.obj1.position - self.goal_position)
    regularisation = np.linalg.norm(action)
    reward = -1.0 * grip_to_handle - 2.0 * handle_to_goal - 0.01 * regularisation
    if handle_to_goal < 0.5:
        reward += 1.0
    if grip_to_handle < 0.5:
        reward += 0.5 * (1 - self.robot.gripper_openness)
    return reward
