# fields: object_pos[3], object_rot[4]{-1,1}, goal_rot[4]{-1,1}, dof_vel[16], successes{0,3}
import torch
import torch.nn.functional as F
from typing import Dict, Tuple

def compute_reward(object_pos: torch.Tensor, object_rot: torch.Tensor, goal_rot: torch.Tensor, dof_vel: torch.Tensor, successes: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    object_rot = F.normalize(object_rot, dim=-1)
    goal_rot = F.normalize(goal_rot, dim=-1)
    quat_diff = quat_mul(object_rot, quat_conjugate(goal_rot))
    rot_dist = 2.0 * torch.asin(torch.clamp(torch.norm(quat_diff[:, 0:3], p=2, dim=-1), max=1.0))
    dot = torch.abs((object_rot * goal_rot).sum(dim=-1))
    alignment = F.softplus(4.0 * dot) / 4.0
    smooth = -F.smooth_l1_loss(dof_vel, torch.zeros_like(dof_vel), reduction="none").mean(dim=-1)
    success = (rot_dist < 0.4).to(torch.float32)
    streak = torch.log1p(successes)
    reward = alignment - 0.3 * rot_dist + 0.05 * smooth + 5.0 * success + 0.1 * streak
    return reward, {"alignment": alignment, "rot_dist": rot_dist, "smooth": smooth, "success": success}
