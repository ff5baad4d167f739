# fields: grasp_pos[3], target_pos[3], finger_width{0,0.08}, cube_height{0,1}, actions[8]{-1,1}
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(grasp_pos: torch.Tensor, target_pos: torch.Tensor, finger_width: torch.Tensor, cube_height: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    dist = torch.norm(grasp_pos - target_pos, p=2, dim=-1)
    min_dist = torch.tensor(0.0, device=dist.device)
    max_dist = torch.tensor(4.0, device=dist.device)
    normalized = (dist - min_dist) / (max_dist - min_dist)
    normalized = torch.min(torch.max(normalized, torch.zeros_like(normalized)), torch.ones_like(normalized))
    reach = 1.0 - torch.pow(normalized, 0.4)
    lifted = torch.clamp((cube_height - 0.05) / 0.3, 0.0, 1.0)
    closed = 1.0 - finger_width / 0.08
    grasp = torch.where(dist < 0.5, closed, torch.zeros_like(closed))
    total = reach + grasp * (1.0 + 2.0 * lifted) - 0.01 * torch.sum(actions * actions, dim=-1)
    return total, {"reach": reach, "grasp": grasp, "lifted": lifted}
