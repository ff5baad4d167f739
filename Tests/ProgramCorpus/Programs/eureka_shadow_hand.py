# fields: object_rot[4], goal_rot[4], object_pos[3], goal_pos[3], object_angvel[3], fingertip_pos[5,3], actions[20]{-1,1}
import torch
from typing import Tuple, Dict

@torch.jit.script
def quat_multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    x1, y1, z1, w1 = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    x2, y2, z2, w2 = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    return torch.stack([w1*x2 + x1*w2 + y1*z2 - z1*y2, w1*y2 + y1*w2 + z1*x2 - x1*z2,
                        w1*z2 + z1*w2 + x1*y2 - y1*x2, w1*w2 - x1*x2 - y1*y2 - z1*z2], dim=-1)

@torch.jit.script
def conj(q: torch.Tensor) -> torch.Tensor:
    return torch.cat([-q[:, :3], q[:, 3:4]], dim=1)

@torch.jit.script
def compute_reward(object_rot: torch.Tensor, goal_rot: torch.Tensor, object_pos: torch.Tensor, goal_pos: torch.Tensor,
                   object_angvel: torch.Tensor, fingertip_pos: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    object_rot = torch.nn.functional.normalize(object_rot, p=2.0, dim=-1)
    goal_rot = torch.nn.functional.normalize(goal_rot, p=2.0, dim=-1)
    diff = quat_multiply(object_rot, conj(goal_rot))
    rot_dist = 2.0 * torch.asin(torch.clamp(torch.norm(diff[:, 0:3], p=2, dim=-1), max=1.0))
    rot_temp = 0.1
    rot_reward = 1.0 / (torch.abs(rot_dist) + rot_temp)
    finger_dist = torch.norm(fingertip_pos - object_pos.unsqueeze(1), dim=-1).mean(dim=-1)
    finger_reward = torch.exp(-finger_dist / 0.3)
    spin = torch.tanh(torch.norm(object_angvel, dim=1))
    near = torch.norm(object_pos - goal_pos, dim=-1) < 1.5
    bonus = near.float() * 2.5
    penalty = -0.002 * torch.sum(actions ** 2, dim=-1)
    reward = rot_reward + finger_reward + spin + bonus + penalty
    return reward, {"rot_reward": rot_reward, "finger_reward": finger_reward, "spin": spin, "bonus": bonus, "penalty": penalty}
