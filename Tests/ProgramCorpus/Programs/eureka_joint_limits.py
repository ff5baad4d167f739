# fields: dof_pos[7], dof_vel[7], lower[7]{-2,-2}, upper[7]{2,2}, ee_pos[3], target_pos[3]
import torch
from typing import Dict, Tuple, List

def compute_reward(dof_pos: torch.Tensor, dof_vel: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor, ee_pos: torch.Tensor, target_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    norm_pos = unscale(dof_pos, lower, upper)
    limit = torch.sum(torch.clamp(norm_pos.abs() - 0.9, min=0.0), dim=-1)
    err = ee_pos - target_pos
    xy, zz = err[:, :2], err[:, 2:]
    d_xy, d_z = xy.norm(dim=-1), zz.squeeze(-1).abs()
    r = [torch.exp(-d / t) for d, t in zip((d_xy, d_z), (0.3, 0.1))]
    total = r[0] * r[1] + torch.cat([r[0][:, None], r[1][:, None]], dim=1).mean(dim=1)
    total -= 0.05 * limit
    total = torch.nan_to_num(total, nan=0.0)
    return total, {"xy": r[0], "z": r[1], "limit": limit}
