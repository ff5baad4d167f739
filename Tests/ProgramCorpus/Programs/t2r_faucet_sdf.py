# fields: self.robot.lfinger.pose.p[3], self.robot.rfinger.pose.p[3], self.faucet.handle.get_world_pcd()[10,3], self.faucet.handle.qpos{0,1.5}, self.faucet.handle.target_qpos{1,2}, self.robot.qvel[9], action[8]{-1,1}
import numpy as np
import scipy.spatial.distance as sdist

def compute_dense_reward(self, action):
    handle = self.faucet.handle
    pcd = handle.get_world_pcd()
    fingers = np.vstack([self.robot.lfinger.pose.p, self.robot.rfinger.pose.p])
    dist = sdist.cdist(fingers, pcd).min()
    angle_left = handle.target_qpos - handle.qpos
    progress = 1 - angle_left / handle.target_qpos
    weights = {"reach": 0.3, "turn": 0.6, "smooth": 0.1}
    components = {
        "reach": 1.0 / (1.0 + dist),
        "turn": progress if dist < 1.0 else 0.5 * progress,
        "smooth": -np.linalg.norm(action) - 0.1 * np.abs(self.robot.qvel).mean(),
    }
    total = sum(weights[name] * value for name, value in components.items())
    if angle_left <= 0.05:
        total += 2.0
    return total, components
