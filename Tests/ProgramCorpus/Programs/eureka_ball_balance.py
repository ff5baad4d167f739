# fields: ball_positions[3], ball_linvels[3], tray_positions[3], ball_radius{0.1,0.1}
import torch
from torch import Tensor
def compute_reward(ball_positions: Tensor, ball_linvels: Tensor, tray_positions: Tensor, ball_radius: float):
    ball_dist = torch.sqrt(ball_positions[..., 0] * ball_positions[..., 0] + (ball_positions[..., 2] - 0.7) ** 2 + ball_positions[..., 1] * ball_positions[..., 1])
    ball_speed = torch.sqrt(ball_linvels[..., 0] ** 2 + ball_linvels[..., 1] ** 2 + ball_linvels[..., 2] ** 2)
    pos_reward = 1.0 / (1.0 + ball_dist)
    speed_reward = 1.0 / (1.0 + ball_speed)
    offset = torch.norm(ball_positions[:, :2] - tray_positions[:, :2], p=2, dim=1, keepdim=False)
    centered = torch.exp(-offset / max(ball_radius, 0.05))
    return pos_reward * speed_reward + 0.1 * centered, {"pos_reward": pos_reward, "speed_reward": speed_reward, "centered": centered}
