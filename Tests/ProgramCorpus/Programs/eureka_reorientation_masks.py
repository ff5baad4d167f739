# fields: object_rot[4]{-1,1}, object_another_rot[4]{-1,1}, goal_rot[4]{-1,1}, goal_another_rot[4]{-1,1}, object_pos[3], goal_pos[3], reset_goal_buf{0,1}
import torch
from torch import Tensor
from typing import Dict, Tuple

def rotation_error(a: Tensor, b: Tensor) -> Tensor:
    a = torch.nn.functional.normalize(a, dim=-1)
    b = torch.nn.functional.normalize(b, dim=-1)
    return 1.0 - torch.abs(torch.sum(a * b, dim=-1))

def compute_reward(object_rot: Tensor, object_another_rot: Tensor, goal_rot: Tensor, goal_another_rot: Tensor, object_pos: Tensor, goal_pos: Tensor, reset_goal_buf: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    e1 = rotation_error(object_rot, goal_rot)
    e2 = rotation_error(object_another_rot, goal_another_rot)
    reward = 1.0 / (e1 + 0.1) + 1.0 / (e2 + 0.1)
    success = (e1 < 0.2) & (e2 < 0.2)
    reward[success] += 25.0
    dropped = torch.norm(object_pos - goal_pos, dim=-1) > 3.0
    reward[dropped] = -10.0
    reward = reward * (1.0 - 0.1 * (reset_goal_buf > 0.5).float())
    return reward, {"first": 1.0 / (e1 + 0.1), "second": 1.0 / (e2 + 0.1), "success": success.float()}
