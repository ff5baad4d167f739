# fields: scissors_right_handle_pos[3], scissors_left_handle_pos[3], left_hand_pos[3], right_hand_pos[3], object_dof_pos[1]{-0.6,0.2}, left_hand_mf_pos[3], right_hand_mf_pos[3]
import torch
from typing import Dict, Tuple

@torch.jit.script
def finger_reward(finger: torch.Tensor, handle: torch.Tensor, temp: float) -> torch.Tensor:
    return torch.exp(-torch.norm(finger - handle, p=2, dim=-1) / temp)

@torch.jit.script
def compute_reward(scissors_right_handle_pos: torch.Tensor, scissors_left_handle_pos: torch.Tensor, left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor, object_dof_pos: torch.Tensor, left_hand_mf_pos: torch.Tensor, right_hand_mf_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    hand_temp = 0.4
    right = finger_reward(right_hand_pos, scissors_right_handle_pos, hand_temp)
    left = finger_reward(left_hand_pos, scissors_left_handle_pos, hand_temp)
    middle = 0.5 * (finger_reward(right_hand_mf_pos, scissors_right_handle_pos, temp=0.2) + finger_reward(left_hand_mf_pos, scissors_left_handle_pos, temp=0.2))
    angle = object_dof_pos[:, 0]
    opening = torch.clamp((angle + 0.59) / 0.59, min=0.0)
    success = torch.where(angle > -0.3, torch.ones_like(angle), torch.zeros_like(angle)) * 10.0
    reward = right + left + middle + 5.0 * opening + success
    return reward, {"right": right, "left": left, "middle": middle, "opening": opening, "success": success}
