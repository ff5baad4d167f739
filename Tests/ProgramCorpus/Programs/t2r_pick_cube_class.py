# fields: self.obj.pose.p[3], self.tcp.pose.p[3], self.goal_pos[3], self.agent.check_grasp(self.obj){0,1}, self.agent.robot.get_qvel()[9]{-0.5,0.5}, action[8]{-1,1}
import numpy as np

class PickCube:
    REACH_WEIGHT = 1.0
    PLACE_WEIGHT: float = 2.0

    def _staircase(self, distance, sharpness=5.0):
        return 1.0 - np.tanh(sharpness * distance)

    def compute_dense_reward(self, action):
        tcp_to_obj = np.linalg.norm(self.obj.pose.p - self.tcp.pose.p)
        obj_to_goal = np.linalg.norm(self.goal_pos - self.obj.pose.p)
        robot_static = np.max(np.abs(self.agent.robot.get_qvel()[:-2])) <= 0.3
        if obj_to_goal <= 0.5 and robot_static:
            return 5.0
        reward = self.REACH_WEIGHT * self._staircase(tcp_to_obj)
        grasped = self.agent.check_grasp(self.obj)
        if grasped:
            reward += 1
            reward += self.PLACE_WEIGHT * self._staircase(obj_to_goal, sharpness=2.0)
        return reward
