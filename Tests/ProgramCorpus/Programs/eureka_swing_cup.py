# fields: cup_pos[3], cup_rot[4]{-1,1}, goal_rot[4]{-1,1}, left_hand_pos[3], right_hand_pos[3], cup_left_handle_pos[3], cup_right_handle_pos[3]
import math
import torch
from typing import Dict, Tuple

def compute_reward(cup_rot: torch.Tensor, goal_rot: torch.Tensor, left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor, cup_left_handle_pos: torch.Tensor, cup_right_handle_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    a = normalize(cup_rot)
    b = normalize(goal_rot)
    rot_dist = quat_diff_rad(a, b)
    rot_reward = torch.exp(-rot_dist / math.pi * 2.0)
    dist_l = (left_hand_pos - cup_left_handle_pos).pow(2).sum(dim=-1).sqrt()
    dist_r = (right_hand_pos - cup_right_handle_pos).pow(2).sum(dim=-1).sqrt()
    reach_reward = torch.exp(-5.0 * (dist_l - 0.05).clamp(min=0.0)) + torch.exp(-5.0 * (dist_r - 0.05).clamp(min=0.0))
    gate = (dist_l < 1.0).float() * (dist_r < 1.0).float()
    total = reach_reward + rot_reward * (0.5 + 0.5 * gate)
    return total, {"rot_reward": rot_reward, "reach_reward": reach_reward}
