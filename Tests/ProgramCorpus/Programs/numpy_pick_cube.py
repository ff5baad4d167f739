# fields: self.tcp.pose.p[3]{-0.2,0.2}, self.obj.pose.p[3]{-0.2,0.2}, self.goal_pos[3]{-0.2,0.2}, self.agent.check_grasp(self.obj){-1,1}, self.agent.robot.get_qvel()[9], self.robot.qpos[9]
import numpy as np

def compute_dense_reward(self, action=None):
    reward = 0
    tcp_to_obj_pos = self.obj.pose.p - self.tcp.pose.p
    tcp_to_obj_dist = np.linalg.norm(tcp_to_obj_pos)
    reaching_reward = 1 - np.tanh(5.0 * tcp_to_obj_dist)
    reward += reaching_reward
    is_grasped = self.agent.check_grasp(self.obj) > 0
    reward += 1 if is_grasped else 0.0
    if is_grasped:
        obj_to_goal_dist = np.linalg.norm(self.goal_pos - self.obj.pose.p)
        place_reward = 1 - np.tanh(5.0 * obj_to_goal_dist)
        reward += place_reward
        if obj_to_goal_dist <= 0.15:
            qvel = self.agent.robot.get_qvel()[:-2]
            reward += 1 - np.tanh(5 * np.linalg.norm(qvel))
            if np.all(np.abs(qvel) <= 0.2):
                reward = 5.0
    return reward
