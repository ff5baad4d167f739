# fields: pos[3], contact[4]{-1,1}, height{0,2}
import torch
def compute_reward(pos, contact, height):
    touching = contact > 0.0
    n = touching.sum(dim=-1)
    two = (n == 2) | (n == 3)
    reward = torch.zeros(pos.shape[0], dtype=torch.float32)
    reward = torch.where(two, reward + 1.0, reward)
    reward[height < 0.5] = -1.0
    reward[(height > 1.5) & two] += 0.5
    bonus = torch.ones_like(height)
    bonus[~two] = 0
    pos = pos.clone()
    pos[height > 1.0, 2] = 0.25
    pos[touching[:, 0]] *= 2
    mask = torch.zeros_like(height, dtype=torch.bool)
    mask |= two
    mask &= height > 0.2
    reward += mask * 0.1
    filled = pos.masked_fill(pos < 0, 0.0).sum(dim=-1)
    return reward + bonus + filled, {"n": n, "two": two, "filled": filled}
