# fields: self.agent.base_pose.p[3], self.cabinet.pose.p[3], self.link_qpos{0,1}, self.target_qpos{0.5,1}, self.link_qvel, self.agent.robot.get_qlimits()[4,2]{0.5,1}, self.agent.robot.get_qpos()[4]{0,1}, action[4]{-1,1}
import numpy as np

def compute_dense_reward(self, action) -> float:
    reward = 0.0
    base_distance = np.linalg.norm(self.agent.base_pose.p[:2] - self.cabinet.pose.p[:2])
    reward += max(0, 1.0 - base_distance) * 0.3
    openness = abs(self.agent.robot.get_qpos()[-1] / self.agent.robot.get_qlimits()[-1, 1])
    reward += (1 - openness) * 0.1
    qlimits = self.agent.robot.get_qlimits()
    margins = np.minimum(self.agent.robot.get_qpos() + qlimits[:, 0], qlimits[:, 1] - self.agent.robot.get_qpos())
    reward -= 0.1 * np.sum(margins < 0.1)
    progress = np.clip(self.link_qpos / self.target_qpos, 0.0, 1.0)
    reward += progress if self.link_qpos < self.target_qpos else 1.5
    reward -= 0.05 * np.square(self.link_qvel)
    return float(np.round(reward, 6))
