# fields: dof_pos[2], dof_vel[2], actions[1]{-1,1}
import torch
from typing import Tuple, Dict

def compute_reward(dof_pos: torch.Tensor, dof_vel: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    cart_pos, pole_angle = dof_pos[:, 0], dof_pos[:, 1]
    cart_vel, pole_vel = dof_vel[:, 0], dof_vel[:, 1]
    angle_temp, pos_temp = 0.2, 1.5
    angle_reward = torch.exp(-pole_angle.abs() / angle_temp)
    pos_reward = torch.exp(-(cart_pos ** 2) / pos_temp)
    vel_penalty = 0.01 * cart_vel.abs() + 0.005 * pole_vel.abs()
    action_penalty = 0.01 * actions[:, 0] ** 2
    reward = angle_reward + 0.5 * pos_reward - vel_penalty - action_penalty
    reward = torch.where(torch.abs(cart_pos) > 1.9, torch.ones_like(reward) * -2.0, reward)
    reward = torch.where(torch.abs(pole_angle) > 1.57, torch.ones_like(reward) * -2.0, reward)
    return reward, dict(angle=angle_reward, position=pos_reward, velocity=-vel_penalty, action=-action_penalty)
