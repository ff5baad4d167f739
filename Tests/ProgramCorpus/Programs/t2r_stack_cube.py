# fields: self.tcp.pose.p[3]{-0.2,0.2}, self.cubeA.pose.p[3]{-0.2,0.2}, self.cubeB.pose.p[3]{-0.2,0.2}, self.cubeA.velocity[3], self.agent.check_grasp(self.cubeA){-1,1}, self.box_half_size[3]{0.02,0.02}, self.robot.gripper_openness{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    goal_position = self.cubeB.pose.p + np.array([0, 0, 2 * self.box_half_size[2]])
    tcp_to_a = np.linalg.norm(self.cubeA.pose.p - self.tcp.pose.p)
    a_to_goal = np.linalg.norm(goal_position - self.cubeA.pose.p)
    reach = 1 - np.tanh(4.0 * tcp_to_a)
    place = 1 - np.tanh(4.0 * a_to_goal)
    is_grasped = bool(self.agent.check_grasp(self.cubeA) > 0)
    offset = self.cubeA.pose.p - self.cubeB.pose.p
    xy_flag = np.linalg.norm(offset[:2]) <= 0.15
    z_flag = np.abs(offset[2] - 0.04) <= 0.1
    is_static = np.max(np.abs(self.cubeA.velocity)) < 1.5
    success = xy_flag and z_flag and is_static and (not is_grasped)
    stage_1, stage_2, stage_3 = reach, 0.0, 0.0
    if is_grasped:
        stage_2 = 2 + place
        if xy_flag and z_flag:
            stage_3 = 3 + (1 - np.tanh(5 * np.linalg.norm(self.cubeA.velocity)))
    elif xy_flag:
        stage_3 = 1 + self.robot.gripper_openness
    reward = max(stage_1, stage_2, stage_3)
    return 8.0 if success else reward
