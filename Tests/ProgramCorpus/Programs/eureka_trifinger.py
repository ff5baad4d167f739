# fields: object_state[13], object_goal_poses[7], fingertip_state[39], last_action[9]{-1,1}
import torch
from typing import Dict, Tuple

def lgsk_kernel(x: torch.Tensor, scale: float = 50.0, eps: float = 2) -> torch.Tensor:
    scaled = x * scale
    return 1.0 / (scaled.exp() + eps + (-scaled).exp())

def compute_reward(object_state: torch.Tensor, object_goal_poses: torch.Tensor, fingertip_state: torch.Tensor, last_action: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    tips = fingertip_state.reshape(-1, 3, 13)[..., :3]
    distance = torch.norm(tips - object_state[:, None, 0:3], p=2, dim=-1)
    reach = -torch.sum(distance, dim=-1) * 0.1
    object_dist = torch.norm(object_state[:, 0:3] - object_goal_poses[:, 0:3], p=2, dim=-1)
    object_reward = 50 * lgsk_kernel(object_dist, scale=5.0, eps=2.)
    q, goal = object_state[:, 3:7], object_goal_poses[:, 3:7]
    cosine = torch.sum(q * goal, dim=-1) / (torch.norm(q, dim=-1) * torch.norm(goal, dim=-1))
    rotation = 1.0 / (3.0 * (1.0 - cosine.abs()) + 0.01)
    penalty = -0.0003 * last_action.square().sum(-1)
    total = reach + object_reward + rotation.clamp(max=20.0) + penalty
    return total, {"reach": reach, "object": object_reward, "penalty": penalty}
