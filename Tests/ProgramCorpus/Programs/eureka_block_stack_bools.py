# fields: block1_pos[3], block2_pos[3], stack_pos1[3], stack_pos2[3], left_hand_pos[3], right_hand_pos[3]
import torch
from typing import Dict, Tuple

def compute_reward(block1_pos: torch.Tensor, block2_pos: torch.Tensor, stack_pos1: torch.Tensor, stack_pos2: torch.Tensor, left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    d1 = torch.norm(stack_pos1 - block1_pos, p=2, dim=-1)
    d2 = torch.norm(stack_pos2 - block2_pos, p=2, dim=-1)
    l = torch.norm(left_hand_pos - block1_pos, p=2, dim=-1)
    r = torch.norm(right_hand_pos - block2_pos, p=2, dim=-1)
    hand = torch.clamp(1.5 - l - r, min=-5.0)
    is_first = d1.lt(1.2)
    is_second = torch.lt(d2, 1.2)
    both = torch.logical_and(is_first, is_second)
    stack_reward = both.float() * (24 - d1 * 12 - d2 * 12) + (is_first ^ is_second).float() * 2.0
    height = torch.where(torch.logical_or(block1_pos[:, 2] > 0.6, block2_pos[:, 2] > 0.6), 1.0, 0.0)
    total = hand + stack_reward + height
    return total, {"hand": hand, "stack": stack_reward, "height": height}
