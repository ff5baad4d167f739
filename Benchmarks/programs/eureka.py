# fields: object_rot[4], goal_rot[4], object_pos[3], goal_pos[3], object_angvel[3], fingertip_pos[15], actions[20]{-1,1}
import torch
from typing import Dict, Tuple


@torch.jit.script
def quat_multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    ax, ay, az, aw = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bx, by, bz, bw = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    return torch.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        dim=-1,
    )


@torch.jit.script
def compute_reward(
    object_rot: torch.Tensor,
    goal_rot: torch.Tensor,
    object_pos: torch.Tensor,
    goal_pos: torch.Tensor,
    object_angvel: torch.Tensor,
    fingertip_pos: torch.Tensor,
    actions: torch.Tensor,
) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    rot_temp: float = 0.1
    finger_temp: float = 0.3
    object_rot = object_rot / torch.norm(object_rot, p=2, dim=-1, keepdim=True)
    goal_rot = goal_rot / torch.norm(goal_rot, p=2, dim=-1, keepdim=True)
    inverse = torch.cat([-goal_rot[:, :3], goal_rot[:, 3:4]], dim=-1)
    difference = quat_multiply(object_rot, inverse)
    rot_dist = 2.0 * torch.asin(torch.clamp(torch.norm(difference[:, 0:3], p=2, dim=-1), max=1.0))
    rotation = 1.0 / (rot_dist + rot_temp)

    fingers = fingertip_pos.view(-1, 5, 3)
    finger_dist = torch.norm(fingers - object_pos.unsqueeze(1), dim=-1).mean(dim=-1)
    grasp = torch.exp(-finger_dist / finger_temp)

    spin = torch.tanh(torch.norm(object_angvel, dim=-1))
    goal_dist = torch.norm(object_pos - goal_pos, dim=-1)
    near = torch.where(goal_dist < 1.5, torch.ones_like(goal_dist), torch.zeros_like(goal_dist))
    bonus = 2.5 * near
    penalty = -0.002 * torch.sum(actions ** 2, dim=-1)

    reward = rotation + grasp + spin + bonus + penalty
    return reward, {"rotation": rotation, "grasp": grasp, "spin": spin, "bonus": bonus, "penalty": penalty}
