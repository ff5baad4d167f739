# fields: object_pos[3], object_another_pos[3], goal_pos[3], goal_another_pos[3], object_linvel[3], dist_reward_scale{50,50}, action_penalty_scale{-0.0002,-0.0002}, actions[52]{-1,1}
import torch
from typing import Dict, Tuple
from torch import Tensor

@torch.jit.script
def compute_reward(object_pos: Tensor, object_another_pos: Tensor, goal_pos: Tensor, goal_another_pos: Tensor, object_linvel: Tensor, actions: Tensor, dist_reward_scale: float, action_penalty_scale: float) -> Tuple[Tensor, Dict[str, Tensor]]:
    pairs = torch.stack([goal_pos - object_pos, goal_another_pos - object_another_pos], dim=0)
    dists = torch.norm(pairs, p=2, dim=-1)
    goal_dist, goal_another_dist = dists[0], dists[1]
    dist_rew = torch.exp(-0.02 * (goal_dist * dist_reward_scale)) + torch.exp(-0.02 * (goal_another_dist * dist_reward_scale))
    action_penalty = torch.sum(actions ** 2, dim=-1) * action_penalty_scale
    hi = torch.maximum(goal_dist, goal_another_dist)
    lo = torch.minimum(goal_dist, goal_another_dist)
    balance = 1.0 - (hi - lo) / (hi + lo + 1e-6)
    reward = dist_rew + action_penalty + 0.1 * balance
    return reward, {"dist_rew": dist_rew, "action_penalty": action_penalty, "balance": balance}
