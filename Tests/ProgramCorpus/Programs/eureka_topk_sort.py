# fields: object_positions[4,3], hand_pos[3], weights[4]{0,1}
import torch
from typing import Dict, Tuple

def compute_reward(object_positions: torch.Tensor, hand_pos: torch.Tensor, weights: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    distances = torch.norm(object_positions - hand_pos.unsqueeze(1), dim=-1)
    nearest2, indices = torch.topk(distances, k=2, dim=-1, largest=False)
    ordered, order = torch.sort(distances, dim=-1, descending=True)
    picked = torch.gather(weights, 1, indices)
    middle = torch.median(distances, dim=-1).values
    reward = torch.exp(-nearest2).sum(dim=-1) + 0.1 * picked.sum(dim=-1)
    spread = ordered[:, 0] - ordered[:, -1]
    first = distances.argsort(dim=-1)[:, 0]
    total = reward - 0.05 * spread - 0.1 * middle + 0.01 * first
    return total, {"near": reward, "spread": spread, "order": order[:, 0].float()}
