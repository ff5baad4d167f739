# fields: obs[6], goal[3]
import torch

def compute_reward(obs: torch.Tensor, goal: torch.Tensor):
    x = obs.clone()
    x[:, 2] = 0
    x[:, 3:5] *= 2.0
    x[:, 5] += goal[:, 0]
    reward = torch.zeros(obs.shape[0])
    alias = reward
    alias += x.sum(dim=-1)
    reward[obs[:, 0] > 0.5] = 5.0
    reward[obs[:, 1] < -0.5] += 1.0
    mask = goal[:, 1] > 0
    reward[mask] = reward[mask] * 2 + goal[mask, 2]
    view = x[:, :2]
    view[:, 0] = -1.0
    y = x[:, 0] + x[:, 1]
    z = torch.ones_like(goal)
    z[goal < 0] = 0.0
    return reward + y + z.sum(-1), {"reward": reward, "y": y, "z": z.sum(dim=-1)}
