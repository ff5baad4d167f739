# fields: self.robot.ee_pose.q[4]{0.1,1}, self.target.pose.q[4]{0.1,1}, self.robot.ee_pose.p[3], self.target.pose.p[3], action[7]{-1,1}
import numpy as np
from transforms3d.quaternions import qmult, qinverse, quat2axangle, quat2mat
from transforms3d.euler import quat2euler

def compute_dense_reward(self, action):
    q_ee = self.robot.ee_pose.q / np.linalg.norm(self.robot.ee_pose.q)
    q_goal = self.target.pose.q / np.linalg.norm(self.target.pose.q)
    q_diff = qmult(qinverse(q_goal), q_ee)
    axis, angle = quat2axangle(q_diff)
    angle = angle - 2 * np.pi if angle > np.pi else angle
    forward = quat2mat(q_ee)[:, 0]
    direction = self.target.pose.p - self.robot.ee_pose.p
    direction = direction / (np.linalg.norm(direction) + 1e-6)
    facing = np.dot(forward, direction)
    roll, pitch, _ = quat2euler(q_ee)
    return 1 - np.tanh(abs(angle)) + 0.5 * facing - 0.1 * roll ** 2 - 0.1 * np.abs(pitch) + 0.01 * axis[0]
