# fields: bottle_pos[3], bottle_cap_pos[3], bottle_cap_up[3], left_hand_pos[3], right_hand_pos[3], right_hand_th_pos[3], right_hand_ff_pos[3]
import torch
from torch import Tensor
from typing import Dict, Tuple

def compute_reward(bottle_pos: Tensor, bottle_cap_pos: Tensor, bottle_cap_up: Tensor, left_hand_pos: Tensor, right_hand_pos: Tensor, right_hand_th_pos: Tensor, right_hand_ff_pos: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    # distances
    cap_gap = torch.norm(bottle_cap_pos - bottle_pos, p=2, dim=-1)
    left_to_bottle = torch.norm(left_hand_pos - bottle_pos, p=2, dim=-1)
    fingertips = torch.stack([right_hand_th_pos, right_hand_ff_pos, right_hand_pos], dim=1)  # (B, 3, 3)
    right_to_cap = torch.norm(fingertips - bottle_cap_pos[:, None, :], dim=-1).sum(dim=-1)
    # shaped rewards
    params = {"lift": 15.0, "reach": 0.5, "sep": 30.0}
    reach = 1.5 - left_to_bottle * params["reach"] - right_to_cap * params["reach"]
    separation = torch.tanh(params["sep"] * torch.maximum(cap_gap - 0.15, torch.zeros_like(cap_gap)))
    up_cos = F.cosine_similarity(bottle_cap_up, torch.tensor([[0.0, 0.0, 1.0]]), dim=-1)
    total = reach + 20.0 * separation + 0.1 * up_cos
    total = torch.where(cap_gap > 0.5, total + 10.0, total)
    return total, {"reach": reach, "separation": separation, "up_cos": up_cos}
