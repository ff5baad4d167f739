# fields: self.hopper.velocity[2], self.hopper.torso.position[2]{0,2}, self.hopper.torso.angle, self.hopper.foot.position[2]{0,1}, action[3]{-1,1}
import numpy as np

def compute_dense_reward(self, action) -> float:
    # weights
    w_forward, w_height, w_control = 1.0, 0.5, 1e-3
    forward = self.hopper.velocity[0]
    height = self.hopper.torso.position[1]
    angle = self.hopper.torso.angle
    healthy = 0.7 < height < 1.8 and -0.6 < angle < 0.6
    reward = w_forward * forward
    reward += w_height * (1.0 - abs(height - 1.25)) if healthy else -1.0
    reward -= w_control * np.sum(np.square(action))
    air = self.hopper.foot.position[1] > 0.1
    return reward + (0.2 if air else 0.0)
