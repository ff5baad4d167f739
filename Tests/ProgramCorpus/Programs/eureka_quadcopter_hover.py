# fields: root_positions[3], target_pos[3]{0,1}, root_quats[4]{-1,1}, root_linvels[3], root_angvels[3]
import torch
from typing import Dict, Tuple
from torch import Tensor

@torch.jit.script
def quat_up(q: Tensor) -> Tensor:
    x, y, z, w = q[:, 0], q[:, 1], q[:, 2], q[:, 3]
    return torch.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], dim=-1)

@torch.jit.script
def compute_reward(root_positions: Tensor, target_pos: Tensor, root_quats: Tensor, root_linvels: Tensor, root_angvels: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    q = torch.nn.functional.normalize(root_quats, p=2.0, dim=-1)
    up = quat_up(q)
    distance = torch.sqrt(torch.sum((target_pos - root_positions) ** 2, dim=-1) + 1e-8)
    dist_temp = torch.tensor(1.2)
    pos_reward = 1.0 / (1.0 + dist_temp * distance * distance)
    tiltage = torch.abs(1 - up[..., 2])
    up_reward = 5.0 / (1.0 + tiltage * tiltage)
    spinnage = torch.abs(root_angvels[..., 2])
    spin_reward = 1.0 / (1.0 + spinnage * spinnage)
    linvel_penalty = torch.norm(root_linvels, p=2, dim=1) * 0.05
    total = pos_reward + pos_reward * (up_reward + spin_reward) - linvel_penalty
    return total, {"pos_reward": pos_reward, "up_reward": up_reward, "spin_reward": spin_reward, "linvel_penalty": linvel_penalty}
