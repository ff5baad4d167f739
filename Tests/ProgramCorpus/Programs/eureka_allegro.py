# fields: object_pos[3], object_rot[4], goal_rot[4], object_linvel[3], object_angvel[3], dof_vel[16], actions[16]{-1,1}
import torch
from typing import Tuple, Dict

@torch.jit.script
def compute_reward(object_pos: torch.Tensor, object_rot: torch.Tensor, goal_rot: torch.Tensor, object_linvel: torch.Tensor,
                   object_angvel: torch.Tensor, dof_vel: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    # Temperatures
    rotation_temp = 0.5
    vel_temp: float = 2.0
    # Orientation alignment through the absolute dot product of unit quaternions
    object_rot_n = object_rot / object_rot.norm(p=2, dim=-1, keepdim=True)
    goal_rot_n = goal_rot / torch.norm(goal_rot, p=2, dim=-1, keepdim=True)
    dot = torch.abs((object_rot_n * goal_rot_n).sum(dim=-1))
    dot = torch.min(dot, torch.ones_like(dot) * 0.999)
    angle = 2.0 * torch.acos(dot)
    rotation_reward = torch.exp(-angle / rotation_temp)
    lin_penalty = torch.tanh(torch.norm(object_linvel, dim=-1) / vel_temp)
    spin = torch.clamp(object_angvel[:, 2], min=-1.0, max=4.0)
    drop = (object_pos[:, 2] < -1.0)
    success = torch.where(angle < 0.4, torch.full_like(angle, 10.0), torch.zeros_like(angle))
    dof_penalty = 0.001 * dof_vel.pow(2).sum(-1)
    smooth = 0.01 * actions.abs().mean(dim=-1)
    reward = rotation_reward + 0.1 * spin - 0.3 * lin_penalty - dof_penalty - smooth + success
    reward = torch.where(drop, reward - 5.0, reward)
    reward[drop] *= 0.5
    return reward, {"rotation": rotation_reward, "spin": spin, "success": success, "lin": lin_penalty}
