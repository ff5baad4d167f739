# fields: root_states[13], commands[3], torques[12], contact_forces[17,3], gravity_vec[3]
import torch
from typing import Tuple, Dict, List

def rotate_inverse(q: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    q_w = q[:, -1]
    q_vec = q[:, :3]
    a = v * (2.0 * q_w ** 2 - 1.0).unsqueeze(-1)
    b = torch.cross(q_vec, v, dim=-1) * q_w.unsqueeze(-1) * 2.0
    c = q_vec * torch.bmm(q_vec.view(q.shape[0], 1, 3), v.view(q.shape[0], 3, 1)).squeeze(-1) * 2.0
    return a - b + c

def compute_reward(root_states, commands, torques, contact_forces, gravity_vec, knee_indices: List[int] = [3, 6, 9]):
    base_quat = root_states[:, 3:7]
    base_lin_vel = rotate_inverse(base_quat, root_states[:, 7:10])
    base_ang_vel = rotate_inverse(base_quat, root_states[:, 10:13])
    lin_vel_error = torch.sum(torch.square(commands[:, :2] - base_lin_vel[:, :2]), dim=1)
    ang_vel_error = torch.square(commands[:, 2] - base_ang_vel[:, 2])
    rew_lin = torch.exp(-lin_vel_error / 0.25) * 1.0
    rew_ang = torch.exp(-ang_vel_error / 0.25) * 0.5
    rew_torque = torch.sum(torch.square(torques), dim=1) * -0.000025
    knees = torch.norm(contact_forces[:, knee_indices, :], dim=2) > 1.0
    fallen = torch.any(knees, dim=1)
    total = torch.clip(rew_lin + rew_ang + rew_torque, 0.0, None) - 0.1 * fallen.float()
    return total, {"rew_lin": rew_lin, "rew_ang": rew_ang, "rew_torque": rew_torque, "fallen": fallen.float()}
