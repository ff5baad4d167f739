# fields: object_pos[3], goal_pos[3], goal_rot[4]{-1,1}, object_rot[4]{-1,1}
import torch
from torch import Tensor
from typing import Tuple, Dict

@torch.jit.script
def compute_reward(object_pos: Tensor, goal_pos: Tensor, object_rot: Tensor, goal_rot: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    epsilon = torch.tensor(1e-6, device=object_pos.device)
    distance = torch.norm(object_pos - goal_pos, p=2, dim=-1)
    dist_reward_temp = torch.tensor(0.1, dtype=torch.float, device=object_pos.device)
    distance_reward = torch.exp(-dist_reward_temp * distance)
    dot_product = torch.sum(object_rot * goal_rot, dim=-1, keepdim=False)
    rot_reward = torch.pow(torch.abs(dot_product), 2.0)
    success = torch.where(distance < 0.5, torch.tensor(1.0, device=object_pos.device), torch.tensor(0.0, device=object_pos.device))
    total_reward = distance_reward + 0.5 * rot_reward + 10.0 * success + epsilon
    reward_components = {
        "distance_reward": distance_reward,
        "rot_reward": rot_reward,
        "success": success
    }
    return total_reward, reward_components
