# fields: ball_positions[3], ball_linear_velocities[3], dof_position[6], actions[3]{-1,1}
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(ball_positions: torch.Tensor, ball_linear_velocities: torch.Tensor, dof_position: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    target = torch.zeros_like(ball_positions)
    target[:, 2] = 0.7
    ball_dist = (ball_positions - target).norm(p=2.0, dim=-1)
    ball_speed = torch.linalg.norm(ball_linear_velocities, dim=-1)
    pos_temp = 2.0
    speed_temp = 1.0
    pos_reward = torch.exp(-pos_temp * ball_dist)
    speed_reward = torch.exp(-speed_temp * ball_speed)
    height_bonus = torch.sigmoid(10.0 * (ball_positions[:, 2] - 0.3))
    total_reward = pos_reward * speed_reward * height_bonus
    return total_reward, {"pos_reward": pos_reward, "speed_reward": speed_reward, "height_bonus": height_bonus}
