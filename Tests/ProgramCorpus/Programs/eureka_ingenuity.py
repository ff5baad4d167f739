# fields: root_positions[3], target_root_positions[3], root_quats[4]{-1,1}, root_angvels[3], reset_buf{0,1}, progress_buf{0,500}, max_episode_length{500,500}
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(root_positions: torch.Tensor, target_root_positions: torch.Tensor, root_quats: torch.Tensor, root_angvels: torch.Tensor, progress_buf: torch.Tensor, max_episode_length: float) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    target_dist = torch.sqrt(torch.square(target_root_positions - root_positions).sum(-1))
    pos_reward = 1.0 / (1.0 + target_dist * target_dist)
    x, y = root_quats[:, 0], root_quats[:, 1]
    norm2 = torch.sum(root_quats * root_quats, dim=-1)
    up_z = 1.0 - 2.0 * (x * x + y * y) / norm2
    tiltage = torch.abs(1 - up_z)
    up_reward = 5.0 / (1.0 + tiltage * tiltage)
    spinnage = torch.abs(root_angvels[..., 2])
    spinnage_reward = 1.0 / (1.0 + spinnage * spinnage)
    time_left = 1.0 - progress_buf / max_episode_length
    reward = pos_reward + pos_reward * (up_reward + spinnage_reward) + 0.1 * time_left
    ones = torch.ones_like(reward)
    die = torch.zeros_like(reward)
    die = torch.where(target_dist > 4.0, ones, die)
    die = torch.where(root_positions[..., 2] < -1.5, ones, die)
    reward = torch.where(die > 0.5, -ones, reward)
    return reward, {"pos": pos_reward, "up": up_reward, "spin": spinnage_reward, "time": time_left}
