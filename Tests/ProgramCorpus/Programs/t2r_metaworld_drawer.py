# fields: self.robot.ee_position[3], self.robot.gripper_openness{-1,1}, self.obj1.position[3], self.obj1.quaternion[4], self.goal_position[3], action[4]{-1,1}, obs[39]
import numpy as np

def compute_dense_reward(self, action, obs) -> float:
    gripper_to_object = np.linalg.norm(self.robot.ee_position - self.obj1.position)
    object_to_goal = np.linalg.norm(self.obj1.position - self.goal_position)
    openness_penalty = 0.01 * (1.0 if gripper_to_object < 0.1 and self.robot.gripper_openness > -1 else 0.0)
    action_penalty = 0.001 * np.linalg.norm(action)
    reward = -gripper_to_object - object_to_goal - openness_penalty - action_penalty
    return reward
