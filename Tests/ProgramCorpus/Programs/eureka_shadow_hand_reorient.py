# fields: object_pos[3], goal_pos[3], object_rot[4]{-1,1}, goal_rot[4]{-1,1}, object_angvel[3], actions[20]{-1,1}
import torch
from torch import Tensor
from typing import Dict, Tuple

@torch.jit.script
def rotation_distance(object_rot: Tensor, target_rot: Tensor) -> Tensor:
    conj = torch.cat([-target_rot[:, :3], target_rot[:, 3:4]], dim=-1)
    x1, y1, z1, w1 = torch.unbind(object_rot, dim=-1)
    x2, y2, z2, w2 = torch.unbind(conj, dim=-1)
    vec = torch.stack((w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
                       w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
                       w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2), dim=-1)
    return 2.0 * torch.asin(torch.clamp(torch.norm(vec, p=2, dim=-1), max=0.999))

@torch.jit.script
def compute_reward(object_pos: Tensor, goal_pos: Tensor, object_rot: Tensor, goal_rot: Tensor, object_angvel: Tensor, actions: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    object_rot = object_rot / object_rot.norm(p=2, dim=-1, keepdim=True)
    goal_rot = goal_rot / goal_rot.norm(p=2, dim=-1, keepdim=True)
    rot_dist = rotation_distance(object_rot, goal_rot)
    goal_dist = torch.norm(object_pos - goal_pos, p=2, dim=-1)
    rot_eps = 0.1
    rot_rew = 1.0 / (torch.abs(rot_dist) + rot_eps)
    dist_rew = goal_dist * -10.0
    action_penalty = torch.sum(actions ** 2, dim=-1)
    angvel_temp = 0.05
    angvel_rew = torch.exp(-angvel_temp * torch.norm(object_angvel, dim=-1))
    reward = dist_rew + rot_rew + angvel_rew - 0.0002 * action_penalty
    reach_goal_bonus = 250.0
    reward = torch.where(torch.abs(rot_dist) <= 0.4, reward + reach_goal_bonus, reward)
    fall_dist = 3.24
    reward = torch.where(goal_dist >= fall_dist, reward - 50.0, reward)
    return reward, {"rot_rew": rot_rew, "dist_rew": dist_rew, "angvel_rew": angvel_rew}
