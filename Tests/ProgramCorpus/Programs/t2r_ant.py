# fields: self.ant.torso.pos[3], self.ant.torso.quat[4], self.ant.torso.velocity[3], self.ant.joints.velocity[8], self.ant.legs.contacts[4]{-1,1}, action[8]{-1,1}, self.init_pos[3]
import numpy as np

def compute_dense_reward(self, action) -> float:
    weights = dict(forward=1.0, alive=0.05, energy=0.01, upright=0.3)
    x, y, z = self.ant.torso.pos
    forward = self.ant.torso.velocity[0]
    quat = self.ant.torso.quat / np.linalg.norm(self.ant.torso.quat)
    w, qx, qy, qz = quat
    up = 1 - 2 * (qx ** 2 + qy ** 2)
    roll = np.arctan2(2 * (w * qx + qy * qz), 1 - 2 * (qx ** 2 + qy ** 2))
    pitch = np.arcsin(np.clip(2 * (w * qy - qz * qx), -1.0, 1.0))
    moved = np.linalg.norm(self.ant.torso.pos[:2] - self.init_pos[:2])
    healthy = 0.2 <= z <= 1.0 and np.isfinite(self.ant.joints.velocity).all()
    contacts = (self.ant.legs.contacts > 0).sum()
    energy = np.sum(np.abs(action * self.ant.joints.velocity))
    reward = weights["forward"] * forward + weights["upright"] * up + moved
    reward += weights["alive"] if healthy else -weights["alive"]
    reward -= weights["energy"] * energy
    reward -= 0.1 * (abs(roll) + abs(pitch))
    if contacts == 0:
        reward -= 0.5
    elif contacts >= 3:
        reward += 0.25 * contacts
    return reward
