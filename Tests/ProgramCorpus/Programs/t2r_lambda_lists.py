# fields: self.links[0].position[3], self.links[1].position[3], self.links[2].position[3], self.target_position[3], self.link_weights[3]{0,1}, action[5]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    dist = lambda a, b: np.linalg.norm(np.asarray(a) - np.asarray(b))
    squash = lambda d, k=2.0: 1.0 - np.tanh(k * d)
    positions = [self.links[0].position, self.links[1].position, self.links[2].position]
    distances = [dist(p, self.target_position) for p in positions]
    closest = min(distances)
    index = int(np.argmin(distances))
    weighted = sum(w * squash(d, k=1.0) for w, d in zip(self.link_weights, distances))
    spread = max(distances) - closest
    near = sum(1 for d in distances if d < 1.5)
    bonus = {0: 1.0, 1: 0.5, 2: 0.25}
    return squash(closest) + weighted - 0.1 * spread + 0.2 * near + 0.1 * index - 0.01 * np.abs(action).max() + bonus[0]
