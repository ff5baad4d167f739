# fields: self.ant.torso.position[3], self.ant.torso.velocity[3], self.ant.torso.angular_velocity[3], self.ant.torso.rotation_matrix[3,3]{-1,1}, self.ant.joint_velocities[8], action[8]{-1,1}
import numpy as np

def compute_dense_reward(self, action: np.ndarray) -> float:
    up = self.ant.torso.rotation_matrix[:, 2]
    upside = np.dot(up, np.array([0, 0, 1]))
    pitch_rate = -self.ant.torso.angular_velocity[1]
    jump = np.clip(self.ant.torso.velocity[2], 0, 2)
    phase = 0 if self.ant.torso.position[2] < 0.5 else 1
    reward_by_phase = [0.5 * jump, 0.3 * np.tanh(pitch_rate) + 0.2 * (1 - upside)]
    smooth = -0.001 * np.linalg.norm(self.ant.joint_velocities, ord=1)
    ctrl = -0.01 * np.mean(action ** 2)
    return reward_by_phase[phase] + smooth + ctrl
