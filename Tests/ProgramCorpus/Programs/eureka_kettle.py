# fields: kettle_handle_pos[3], bucket_handle_pos[3], kettle_spout_pos[3], left_hand_pos[3], right_hand_pos[3], left_fingers[4,3], right_fingers[4,3]
import torch
from typing import Dict, Tuple

def _hand_distance(fingers: torch.Tensor, handle: torch.Tensor) -> torch.Tensor:
    return torch.cdist(fingers, handle.unsqueeze(1)).squeeze(-1).sum(dim=-1)

def compute_reward(kettle_handle_pos: torch.Tensor, bucket_handle_pos: torch.Tensor, kettle_spout_pos: torch.Tensor, left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor, left_fingers: torch.Tensor, right_fingers: torch.Tensor):
    right_finger_dist = _hand_distance(right_fingers, kettle_handle_pos)
    left_finger_dist = _hand_distance(left_fingers, bucket_handle_pos)
    spout_to_bucket = torch.norm(kettle_spout_pos - bucket_handle_pos, dim=-1)
    pour = torch.where((right_finger_dist < 6.0) & (left_finger_dist < 6.0), 0.5 - spout_to_bucket, torch.zeros_like(spout_to_bucket))
    grasp = torch.exp(-0.5 * right_finger_dist) + torch.exp(-0.5 * left_finger_dist)
    lift = torch.relu(kettle_spout_pos[:, 2] - 0.35) * 3
    reward = 1.0 + grasp + 2.0 * pour + lift
    return reward, {"grasp": grasp, "pour": pour, "lift": lift}
