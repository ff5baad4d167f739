# fields: block_right_handle_pos[3], block_left_handle_pos[3], left_hand_pos[3], right_hand_pos[3], goal_pos[3]
import torch
import torch.nn.functional as F
from typing import Dict, Tuple

def compute_reward(block_right_handle_pos: torch.Tensor, block_left_handle_pos: torch.Tensor, left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor, goal_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    left = F.pairwise_distance(left_hand_pos, block_left_handle_pos)
    right = F.pairwise_distance(right_hand_pos, block_right_handle_pos)
    carry = F.pairwise_distance(block_right_handle_pos, goal_pos)
    soft = F.softmin(torch.stack([left, right], dim=-1), dim=-1) if False else F.softmax(-torch.stack([left, right], dim=-1), dim=-1)
    balance = 1.0 - (soft[:, 0] - soft[:, 1]).abs()
    temps = torch.tensor([0.5, 0.5, 0.25])
    r = torch.exp(-temps * torch.stack([left, right, carry], dim=-1))
    weighted = (r * torch.tensor([1.0, 1.0, 2.0])).sum(dim=-1)
    reward = weighted + 0.1 * balance
    return reward, {"left": r[:, 0], "right": r[:, 1], "carry": r[:, 2], "balance": balance}
