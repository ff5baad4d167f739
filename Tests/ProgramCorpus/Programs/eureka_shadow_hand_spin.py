# fields: object_rot[4]{-1,1}, object_angvel[3], fingertip_pos[5,3], object_pos[3]
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(object_rot: torch.Tensor, object_angvel: torch.Tensor, fingertip_pos: torch.Tensor, object_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    # Spin around the z axis, keep fingers close
    axis = torch.tensor([0.0, 0.0, 1.0], device=object_angvel.device, dtype=torch.float32)
    spin = (object_angvel * axis).sum(-1)
    spin_clipped = torch.clamp(spin, -4.0, 4.0)
    off_axis = torch.norm(object_angvel - spin.unsqueeze(-1) * axis, dim=-1)
    finger_dist = torch.norm(fingertip_pos - object_pos.unsqueeze(1), dim=-1)
    mean_finger_dist = finger_dist.mean(dim=1)
    closest = torch.min(finger_dist, dim=1)[0]
    farthest = torch.max(finger_dist, dim=-1).values
    finger_temp = 5.0
    finger_reward = torch.exp(-finger_temp * mean_finger_dist) + 0.1 * torch.exp(-finger_temp * closest)
    total = spin_clipped - 0.1 * off_axis + finger_reward - 0.01 * farthest
    return total, {"spin": spin_clipped, "off_axis": off_axis, "finger": finger_reward}
