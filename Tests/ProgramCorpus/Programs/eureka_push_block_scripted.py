# fields: left_hand_pos[3], right_hand_pos[3], block_left_handle_pos[3], block_right_handle_pos[3], left_goal_pos[3], right_goal_pos[3]
import torch
from typing import Dict, Tuple

@torch.jit.script
def soft_threshold(x: torch.Tensor, limit: float, slope: float = 10.0) -> torch.Tensor:
    return torch.sigmoid((limit - x) * slope)

@torch.jit.script
def compute_reward(left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor, block_left_handle_pos: torch.Tensor, block_right_handle_pos: torch.Tensor, left_goal_pos: torch.Tensor, right_goal_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    left_reach = torch.norm(left_hand_pos - block_left_handle_pos, p=2, dim=-1)
    right_reach = torch.norm(right_hand_pos - block_right_handle_pos, p=2, dim=-1)
    left_push = torch.norm(left_goal_pos - block_left_handle_pos, p=2, dim=-1)
    right_push = torch.norm(right_goal_pos - block_right_handle_pos, p=2, dim=-1)
    reach = soft_threshold(left_reach, 0.3) + soft_threshold(right_reach, 0.3, slope=5.0)
    push = 5.0 - 5.0 * (left_push + right_push)
    one = (left_push <= 0.5) | (right_push <= 0.5)
    both = (left_push <= 0.5) & (right_push <= 0.5)
    bonus = torch.zeros_like(push)
    bonus = torch.where(one, torch.ones_like(push) * 2.0, bonus)
    bonus = torch.where(both, torch.ones_like(push) * 10.0, bonus)
    total = reach + push + bonus
    return total, {"reach": reach, "push": push, "bonus": bonus}
