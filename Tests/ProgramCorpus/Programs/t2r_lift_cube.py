# fields: self.tcp.pose.p[3]{-0.3,0.3}, self.obj.pose.p[3]{-0.3,0.3}, self.goal_height{0.1,0.2}, self.agent.check_grasp(self.obj, max_angle=30){0,1}, self.cube_half_size{0.02,0.02}, action[4]{-1,1}
import numpy as np

def compute_dense_reward(self, action) -> float:
    # Weights for the different components
    weight_dist, weight_grasp, weight_lift, weight_act = 0.4, 0.3, 0.3, 0.01
    dist = np.linalg.norm(self.tcp.pose.p - self.obj.pose.p)
    dist_reward = 1.0 / (1.0 + dist)
    grasped = self.agent.check_grasp(self.obj, max_angle=30)
    grasp_reward = 1.0 if grasped > 0.5 else 0.0
    lifted = self.obj.pose.p[2] - self.cube_half_size
    lift_reward = np.clip(lifted / self.goal_height, 0.0, 1.0)
    action_cost = np.square(action).mean()
    reward = weight_dist * dist_reward + weight_grasp * grasp_reward + weight_lift * lift_reward * grasp_reward
    reward -= weight_act * action_cost
    return reward
