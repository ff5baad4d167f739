# fields: pen_right_handle_pos[3], pen_left_handle_pos[3], left_hand_pos[3], right_hand_pos[3]
import torch
from typing import Dict, Tuple, Optional

PULL_WEIGHT = 5.0
HAND_WEIGHT = 2.0

@torch.jit.script
def compute_reward(pen_right_handle_pos: torch.Tensor, pen_left_handle_pos: torch.Tensor, left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor, temperature: float = 0.5) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    separation = torch.norm(pen_right_handle_pos - pen_left_handle_pos, p=2, dim=-1)
    right = torch.norm(pen_right_handle_pos - right_hand_pos, p=2, dim=-1)
    left = torch.norm(pen_left_handle_pos - left_hand_pos, p=2, dim=-1)
    hand_term = torch.exp(-temperature * (right + left)) * 2.0
    pull_term = torch.log(1.0 + separation) * 5.0
    capped = torch.min(pull_term, torch.full_like(pull_term, 6.0))
    reward = hand_term + capped
    return reward, {"hand": hand_term, "pull": capped}
