# fields: pos[3], target[3], quat[4]{-1,1}, angvel[3]
import torch
from torch import Tensor
from typing import Dict, Tuple

@torch.jit.script
def quat_to_up(quat: Tensor) -> Tensor:
    q = quat / torch.norm(quat, p=2, dim=-1, keepdim=True)
    up = torch.zeros((quat.shape[0], 3), device=quat.device)
    up[:, 0] = 2 * (q[:, 0] * q[:, 2] + q[:, 3] * q[:, 1])
    up[:, 1] = 2 * (q[:, 1] * q[:, 2] - q[:, 3] * q[:, 0])
    up[:, 2] = 1 - 2 * (q[:, 0] ** 2 + q[:, 1] ** 2)
    return up

@torch.jit.script
def compute_reward(pos: Tensor, target: Tensor, quat: Tensor, angvel: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    up = quat_to_up(quat)
    tilt = torch.acos(torch.clamp(up[:, 2], -0.99, 0.99))
    d = torch.norm(target - pos, p=2, dim=-1)
    r1 = 1.0 / (1.0 + d ** 2)
    r2 = torch.cos(tilt)
    r = r1 + r1 * r2
    if angvel.shape[1] == 3:
        r = r - 0.01 * angvel.pow(2).sum(dim=1)
    return r, {"r1": r1, "r2": r2}
