# fields: base_quat[4]{-1,1}, base_pos[3], target_yaw{-3,3}, base_lin_vel[3]
import torch
from typing import Dict, Tuple
from isaacgym.torch_utils import quat_rotate_inverse, get_euler_xyz, quat_apply

def compute_reward(base_quat: torch.Tensor, base_pos: torch.Tensor, target_yaw: torch.Tensor, base_lin_vel: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    q = base_quat / base_quat.norm(dim=-1, keepdim=True)
    roll, pitch, yaw = get_euler_xyz(q)
    yaw_error = torch.atan2(torch.sin(yaw - target_yaw), torch.cos(yaw - target_yaw))
    heading = torch.cos(yaw_error)
    level = torch.cos(roll) * torch.cos(pitch)
    local = quat_rotate_inverse(q, base_lin_vel)
    forward = torch.tanh(local[:, 0])
    nose = quat_apply(q, torch.tensor([1.0, 0.0, 0.0]).repeat(q.shape[0], 1))
    total = heading + level + forward + 0.1 * nose[:, 2]
    return total, {"heading": heading, "level": level, "forward": forward}
