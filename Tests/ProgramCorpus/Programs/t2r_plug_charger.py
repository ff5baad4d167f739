# fields: self.charger_base_pose.p[3], self.charger_base_pose.q[4]{0.1,1}, self.goal_pose.p[3], self.goal_pose.q[4]{0.1,1}, self.tcp.pose.p[3], self.agent.check_grasp(self.charger, max_angle=20){0,1}, action[8]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    obj_to_goal = self.charger_base_pose.inv() * self.goal_pose
    obj_to_goal_dist = np.linalg.norm(obj_to_goal.p)
    quat = obj_to_goal.q / np.linalg.norm(obj_to_goal.q)
    obj_to_goal_angle = np.arccos(np.clip(np.abs(quat[0]), 0, 0.9999)) * 2
    tcp_to_obj = self.charger_base_pose.p - self.tcp.pose.p
    reward = 1 - np.tanh(5.0 * np.linalg.norm(tcp_to_obj))
    is_grasped = self.agent.check_grasp(self.charger, max_angle=20)
    if not is_grasped:
        return reward - 0.01 * np.linalg.norm(action)
    reward += 2.0
    align = obj_to_goal.to_transformation_matrix()[:3, :3]
    reward += (np.trace(align) - 1) / 2
    if obj_to_goal_angle < 0.8 and abs(obj_to_goal.p[1]) < 1.0:
        reward += 2 * (1 - np.tanh(2.0 * obj_to_goal_dist))
    return reward
