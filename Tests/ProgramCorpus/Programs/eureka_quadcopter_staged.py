# fields: root_positions[3], root_linvels[3], root_quats[4]{-1,1}, root_angvels[3], target[3]{0,1}
import torch
import math
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(root_positions: torch.Tensor, root_linvels: torch.Tensor, root_quats: torch.Tensor, root_angvels: torch.Tensor, target: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    error = target - root_positions
    dist = torch.sqrt(error[:, 0] * error[:, 0] + error[:, 1] * error[:, 1] + error[:, 2] * error[:, 2])
    far = torch.exp(-0.5 * dist)
    near = torch.exp(-4.0 * dist)
    stage = torch.where(dist < 1.0, near + far, far)
    approach = torch.sum(error * root_linvels, dim=-1) / (dist + 1e-6)
    approach = torch.tanh(approach)
    w = root_quats[:, 3] / torch.norm(root_quats, p=2, dim=1)
    tilt = 2.0 * torch.acos(torch.clamp(torch.abs(w), 0.0, 0.999))
    tilt_reward = torch.clamp(1.0 - tilt / math.pi, min=0.0)
    spin_penalty = -0.05 * torch.sum(torch.abs(root_angvels), dim=1)
    total = stage + 0.5 * approach + 0.5 * tilt_reward + spin_penalty
    total = torch.where(dist > 8.0, torch.full_like(total, -5.0), total)
    return total, {"stage": stage, "approach": approach, "tilt": tilt_reward, "spin": spin_penalty}
