# fields: torso_position[3]{0,2}, velocity_world[3], torso_rotation[4]{-1,1}, dof_pos[21], actions[21]{-1,1}
import torch
from torch import Tensor
from typing import Dict, Tuple

def upright_cosine(q: Tensor) -> Tensor:
    z_axis = torch.zeros((q.shape[0], 3), dtype=torch.float32, device=q.device)
    z_axis[:, 2] = 1.0
    return quat_rotate(q, z_axis)[:, 2]

def squashed(value: Tensor, temperature: float) -> Tensor:
    return 1.0 - torch.exp(-torch.clamp(value, min=0.0) / temperature)

def compute_reward(torso_position: Tensor, velocity_world: Tensor, torso_rotation: Tensor, dof_pos: Tensor, actions: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    q = torso_rotation / torch.norm(torso_rotation, dim=-1, keepdim=True).clamp(min=1e-6)
    local_velocity = quat_rotate_inverse(q, velocity_world)
    forward = squashed(local_velocity[:, 0], 2.0)
    lateral = -0.1 * local_velocity[:, 1].abs()
    cosine = upright_cosine(q)
    upright = torch.pow((cosine + 1.0) / 2.0, 2)
    height = torch.exp(-torch.square(torso_position[:, 2] - 1.3) / 0.05)
    limits = torch.sum(torch.relu(torch.abs(dof_pos) - 1.5), dim=-1)
    reward = 2.0 * forward + lateral + 0.5 * upright + 0.5 * height - 0.02 * limits - 0.001 * (actions ** 2).sum(dim=-1)
    return reward, {"forward": forward, "lateral": lateral, "upright": upright, "height": height, "limits": limits}
