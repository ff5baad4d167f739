# fields: fingertip_pos[15], object_pos[3], object_linvel[3], object_rot[4]{-1,1}, goal_rot[4]{-1,1}, shadow_hand_dof_pos[24]
import torch
from typing import Dict, Tuple

def compute_reward(fingertip_pos: torch.Tensor, object_pos: torch.Tensor, object_linvel: torch.Tensor, object_rot: torch.Tensor, goal_rot: torch.Tensor, shadow_hand_dof_pos: torch.Tensor):
    batch = fingertip_pos.shape[0]
    tips = fingertip_pos.view(batch, 5, 3)
    offsets = tips - object_pos.view(-1, 1, 3)
    tip_dist = offsets.norm(dim=2)
    contact = (tip_dist < 1.5).sum(dim=1).float() / 5.0
    q = object_rot / object_rot.norm(dim=1, keepdim=True)
    g = goal_rot / goal_rot.norm(dim=1, keepdim=True)
    cosine = (q * g).sum(dim=1).abs().clamp(max=1.0)
    misalignment = 1.0 - cosine ** 2
    rot_temp = 0.1
    rot_reward = torch.exp(-misalignment / rot_temp)
    stability = torch.exp(-object_linvel.norm(dim=1))
    posture = -(shadow_hand_dof_pos - shadow_hand_dof_pos.mean(dim=1, keepdim=True)).pow(2).mean(dim=1)
    total = 3 * rot_reward + contact + 0.2 * stability + 0.05 * posture
    return total, {"rotation": rot_reward, "contact": contact, "stability": stability, "posture": posture}
