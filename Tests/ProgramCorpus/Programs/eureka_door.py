# fields: left_hand_pos[3], right_hand_pos[3], left_handle[3], right_handle[3]
import torch
from typing import Tuple, Dict
from torch import Tensor

@torch.jit.script
def handle_term(hand: Tensor, handle: Tensor, temperature: float) -> Tensor:
    return torch.exp(-temperature * torch.norm(hand - handle, dim=-1))

@torch.jit.script
def compute_reward(left_hand_pos: Tensor, right_hand_pos: Tensor, left_handle: Tensor, right_handle: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    left = handle_term(left_hand_pos, left_handle, 2.0)
    right = handle_term(right_hand_pos, right_handle, 2.0)
    opening = torch.abs(left_handle[:, 1] - right_handle[:, 1])
    open_reward = torch.where(opening > 0.5, opening * 2.0, torch.zeros_like(opening))
    both = left * right
    hands = torch.stack([left, right], dim=0)
    worst = torch.min(hands, dim=0)[0]
    mean = torch.mean(hands, dim=0)
    total_reward = both + open_reward + 0.5 * worst + 0.1 * mean
    reward_components = {"left": left, "right": right, "open": open_reward}
    return total_reward, reward_components
