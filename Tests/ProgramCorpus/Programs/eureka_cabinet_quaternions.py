# fields: hand_pos[3], hand_rot[4]{-1,1}, handle_pos[3], handle_rot[4]{-1,1}, cabinet_dof_pos[4]{0,0.4}, num_envs_unused{0,0}
import torch
from typing import Dict, Tuple

def compute_reward(hand_pos: torch.Tensor, hand_rot: torch.Tensor, handle_pos: torch.Tensor, handle_rot: torch.Tensor, cabinet_dof_pos: torch.Tensor, num_envs: int, device: str) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    gripper_forward = torch.tensor([0.0, 0.0, 1.0], device=device).repeat((num_envs, 1))
    drawer_inward = torch.tensor([-1.0, 0.0, 0.0], device=device).repeat((num_envs, 1))
    qh, qd = normalize(hand_rot), normalize(handle_rot)
    axis1 = quat_apply(qh, gripper_forward)
    axis2 = quat_apply(qd, drawer_inward)
    dot = torch.bmm(axis1.view(num_envs, 1, 3), axis2.view(num_envs, 3, 1)).squeeze(-1).squeeze(-1)
    rot_reward = 0.5 * torch.sign(dot) * dot ** 2
    d = torch.norm(hand_pos - handle_pos, p=2, dim=-1)
    reach = 1.0 / (1.0 + d.pow(2))
    reach = torch.where(d <= 0.5, reach * 2, reach)
    opened = cabinet_dof_pos[:, 3] / 0.4
    total = reach + rot_reward + 4.0 * opened
    return total, {"reach": reach, "rot": rot_reward, "opened": opened}
