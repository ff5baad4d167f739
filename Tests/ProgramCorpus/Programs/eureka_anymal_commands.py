# fields: root_states[13], commands[3]{-1,1}, torques[12], contact_forces[17,3], knee_indices_unused[4], episode_lengths{0,100}
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(root_states: torch.Tensor, commands: torch.Tensor, torques: torch.Tensor, contact_forces: torch.Tensor, episode_lengths: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    base_quat = torch.nn.functional.normalize(root_states[:, 3:7], dim=-1)
    base_lin_vel = quat_rotate_inverse(base_quat, root_states[:, 7:10])
    base_ang_vel = quat_rotate_inverse(base_quat, root_states[:, 10:13])
    lin_vel_error = torch.sum(torch.square(commands[:, :2] - base_lin_vel[:, :2]), dim=1)
    ang_vel_error = torch.square(commands[:, 2] - base_ang_vel[:, 2])
    lin_vel_temp, ang_vel_temp = 0.25, 0.25
    rew_lin_vel_xy = torch.exp(-lin_vel_error / lin_vel_temp)
    rew_ang_vel_z = torch.exp(-ang_vel_error / ang_vel_temp)
    rew_torque = torch.sum(torch.square(torques), dim=1) * -2.5e-5
    hit = torch.any(torch.norm(contact_forces[:, 1:4, :], dim=2) > 3.0, dim=1)
    total_reward = rew_lin_vel_xy + 0.5 * rew_ang_vel_z + rew_torque
    total_reward = torch.clip(total_reward, 0.0, None)
    total_reward = total_reward * (~hit).float()
    return total_reward, {"rew_lin_vel_xy": rew_lin_vel_xy, "rew_ang_vel_z": rew_ang_vel_z, "rew_torque": rew_torque}
