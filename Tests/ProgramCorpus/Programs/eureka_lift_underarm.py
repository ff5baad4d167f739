# fields: pot_left_handle_pos[3], pot_right_handle_pos[3], left_hand_pos[3], right_hand_pos[3], object_pos[3], goal_pos[3], object_rot[4]{-1,1}
import torch
from typing import Dict, Tuple
from torch import Tensor

def compute_reward(pot_left_handle_pos: Tensor, pot_right_handle_pos: Tensor, left_hand_pos: Tensor, right_hand_pos: Tensor, object_pos: Tensor, goal_pos: Tensor, object_rot: Tensor, **kwargs) -> Tuple[Tensor, Dict[str, Tensor]]:
    '''
    Lift the pot to the goal with both hands.
    '''
    l, r = [torch.norm(h - p, p=2, dim=-1) for h, p in ((pot_left_handle_pos, left_hand_pos), (pot_right_handle_pos, right_hand_pos))]
    up = torch.zeros_like(l); nose = torch.norm(goal_pos - object_pos, p=2, dim=-1)
    gate = (l < 1.5) * (r < 1.5)
    up = torch.where(gate, 3 * (0.985 - nose), up)
    grip = (0.4 - l).clamp(min=-2) + (0.4 - r).clamp(min=-2)
    q = object_rot / (object_rot * object_rot).sum(-1, keepdim=True).sqrt()
    level = 1 - 2 * (q[:, 0] ** 2 + q[:, 1] ** 2)
    total = 0.2 + grip + up + 0.3 * level
    return total, {'grip': grip, 'up': up, 'level': level}
