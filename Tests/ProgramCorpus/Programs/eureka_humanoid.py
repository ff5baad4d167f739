# fields: velocity[3], potentials, prev_potentials, dof_force_tensor[21], actions[21]{-1,1}, heading_vec[3], up_vec[3], torso_z{0,2}, dof_at_limit_cost{0,1}
import torch
from typing import Dict, Tuple
from torch import Tensor

@torch.jit.script
def compute_reward(velocity: Tensor, potentials: Tensor, prev_potentials: Tensor, actions: Tensor, heading_vec: Tensor,
                   up_vec: Tensor, torso_z: Tensor, dof_at_limit_cost: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    # Constants
    velocity_temp = torch.tensor(0.5, device=velocity.device)
    heading_weight = 0.5
    up_weight = 0.1
    termination_height = 0.8
    death_cost: float = -2.0
    heading_weight_tensor = torch.ones_like(heading_vec[..., 0]) * heading_weight
    heading_reward = torch.where(heading_vec[..., 0] > 0.8, heading_weight_tensor, heading_weight * heading_vec[..., 0] / 0.8)
    up_reward = torch.zeros_like(heading_reward)
    up_reward = torch.where(up_vec[:, 2] > 0.93, up_reward + up_weight, up_reward)
    speed = torch.exp((velocity[:, 0] - 1.0) * velocity_temp)
    actions_cost = torch.sum(actions ** 2, dim=-1)
    electricity = torch.sum(torch.abs(actions * velocity.mean(dim=-1, keepdim=True)), dim=-1)
    alive = torch.ones_like(potentials) * 2.0
    progress = potentials - prev_potentials
    total = progress + alive + up_reward + heading_reward + speed - 0.01 * actions_cost - 0.05 * electricity - dof_at_limit_cost
    total = torch.where(torso_z < termination_height, torch.ones_like(total) * death_cost, total)
    return total, {"heading": heading_reward, "up": up_reward, "speed": speed, "progress": progress}
