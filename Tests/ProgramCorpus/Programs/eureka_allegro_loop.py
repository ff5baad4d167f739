# fields: object_rot[4]{-1,1}, goal_rot[4]{-1,1}, object_angvel[3], allegro_dof_vel[16], allegro_torque[16]
import torch
from typing import Dict, List, Tuple

def compute_reward(object_rot: torch.Tensor, goal_rot: torch.Tensor, object_angvel: torch.Tensor, allegro_dof_vel: torch.Tensor, allegro_torque: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    finger_joints: List[List[int]] = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
    work = torch.zeros_like(object_rot[:, 0])
    for finger, joints in enumerate(finger_joints):
        velocity = allegro_dof_vel[:, joints]
        torque = allegro_torque[:, joints]
        scale = 1.0 if finger < 3 else 1.5  # the thumb costs more
        work += scale * torch.sum(torch.abs(velocity * torque), dim=-1)
    diff = quat_mul(normalize(object_rot), quat_conjugate(normalize(goal_rot)))
    sine = torch.clamp(torch.norm(diff[:, :3], p=2, dim=-1), max=0.99)
    angle = 2.0 * torch.asin(sine)
    precision = [(0.1, 2.0), (0.4, 1.0), (1.0, 0.5)]
    bonus = torch.zeros_like(angle)
    for threshold, amount in precision:
        bonus = bonus + amount * (angle < threshold).to(bonus.dtype)
    spin_cost = torch.clamp(torch.norm(object_angvel, dim=-1) - 1.0, min=0.0)
    reward = torch.exp(-2.0 * angle) + bonus - 0.01 * work - 0.1 * spin_cost
    return reward, {"angle": angle, "bonus": bonus, "work": work}
