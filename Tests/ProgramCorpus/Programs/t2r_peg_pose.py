# fields: self.peg.pose.p[3], self.peg.pose.q[4]{0.1,1}, self.goal_pose.p[3], self.goal_pose.q[4]{0.1,1}, self.peg_half_length{0.1,0.2}, action[7]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    peg_at_goal = self.goal_pose.inv() * self.peg.pose
    head = np.array([self.peg_half_length, 0.0, 0.0])
    rotation = peg_at_goal.to_transformation_matrix()[:3, :3]
    head_at_goal = rotation @ head + peg_at_goal.p
    yz = np.linalg.norm(head_at_goal[1:])
    reward = 1 - np.tanh(4.5 * np.maximum(yz, np.abs(head_at_goal[1])))
    inserted = np.logical_and(abs(head_at_goal[0]) < 0.5, yz < 0.3)
    if inserted:
        reward += 5
    ang = 2 * np.arccos(np.clip(np.abs((peg_at_goal.q / np.linalg.norm(peg_at_goal.q))[0]), 0, 0.999))
    return reward - 0.1 * np.rad2deg(ang) / 180
