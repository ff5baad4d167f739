# fields: pos[3], vel[3], prev_action[4]{-1,1}, action[4]{-1,1}
import torch

def compute_reward(pos: torch.Tensor, vel: torch.Tensor, prev_action: torch.Tensor, action: torch.Tensor):
    reward = torch.zeros(pos.shape[0], dtype=torch.float32, device=pos.device)
    goal = torch.zeros_like(pos)
    goal[:, 0] = 1.0
    goal[..., 2].add_(0.5)
    dist = (pos - goal).norm(dim=-1)
    reward.add_(torch.exp(-dist))
    reward.sub_(0.1 * (action - prev_action).pow(2).sum(-1))
    reward.mul_(2.0)
    close = dist < 1.0
    reward[close] = reward[close] + 1.0
    slow = vel.norm(dim=-1).lt(0.5)
    reward[close & slow] += 0.5
    scaled = vel.clone()
    scaled[:, 1:] *= 0.5
    reward -= 0.01 * scaled.abs().sum(dim=1)
    return reward.clamp_(-5.0, 5.0)
