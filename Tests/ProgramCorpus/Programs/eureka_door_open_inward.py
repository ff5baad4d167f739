# fields: door_left_handle_pos[3], door_right_handle_pos[3], left_hand_pos[3], right_hand_pos[3], left_hand_ff_pos[3], right_hand_ff_pos[3], object_dof_pos{0,1.6}
import torch
from torch import Tensor
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(door_left_handle_pos: Tensor, door_right_handle_pos: Tensor, left_hand_pos: Tensor, right_hand_pos: Tensor, left_hand_ff_pos: Tensor, right_hand_ff_pos: Tensor, object_dof_pos: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    left_dist = torch.norm(door_left_handle_pos - left_hand_pos, p=2, dim=-1)
    right_dist = torch.norm(door_right_handle_pos - right_hand_pos, p=2, dim=-1)
    left_finger = torch.norm(door_left_handle_pos - left_hand_ff_pos, p=2, dim=-1)
    right_finger = torch.norm(door_right_handle_pos - right_hand_ff_pos, p=2, dim=-1)

    reach_temp: float = 0.15
    open_temp: float = 0.3
    reach = torch.exp(-(left_dist + right_dist) / reach_temp)
    grasp = torch.exp(-(left_finger + right_finger) / reach_temp)
    gap = torch.abs(door_left_handle_pos[:, 1] - door_right_handle_pos[:, 1])
    opened = 1.0 - torch.exp(-gap / open_temp)
    near = (left_dist < 0.5) & (right_dist < 0.5)
    opening_bonus = torch.where(near, opened * 2.0, torch.zeros_like(opened))
    hinge = torch.tanh(object_dof_pos / 0.8)
    total = 0.5 * reach + 0.25 * grasp + opened + opening_bonus + hinge
    return total, {"reach": reach, "grasp": grasp, "opened": opened, "opening_bonus": opening_bonus, "hinge": hinge}
