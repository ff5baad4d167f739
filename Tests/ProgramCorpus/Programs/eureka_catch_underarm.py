# fields: object_pos[3], goal_pos[3], object_rot[4]{-1,1}, goal_rot[4]{-1,1}, object_linvel[3], max_consecutive{0,5}
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(
    object_pos: torch.Tensor, goal_pos: torch.Tensor,
    object_rot: torch.Tensor, goal_rot: torch.Tensor,
    object_linvel: torch.Tensor
) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    rewards: Dict[str, torch.Tensor] = {}
    temps = [0.2, 0.5, 1.0]
    dist = torch.norm(goal_pos - object_pos, p=2, dim=-1)
    rewards["distance"] = torch.exp(-temps[0] * (dist * 10))
    dot = torch.sum(object_rot * goal_rot, dim=-1).clamp(-1.0, 1.0)
    angle = 2.0 * torch.acos(torch.abs(dot) * 0.999)
    rewards["rotation"] = torch.exp(-temps[1] * angle)
    direction = (goal_pos - object_pos) / (dist.unsqueeze(-1) + 1e-6)
    toward = torch.sum(direction * object_linvel, dim=-1)
    rewards["velocity"] = torch.tanh(toward * temps[2])
    total = torch.zeros_like(dist)
    for key in rewards.keys():
        total = total + rewards[key]
    return total, rewards
