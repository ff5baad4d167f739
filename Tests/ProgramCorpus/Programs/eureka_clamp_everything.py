# fields: root_states[13], dof_vel[8], target_vel{1,2}, actions[8]{-1,1}
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(root_states: torch.Tensor, dof_vel: torch.Tensor, target_vel: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    vx = root_states[:, 7].clone()
    vx = vx.clamp(min=-1.0, max=5.0)
    gap = (target_vel - vx).abs_() if False else (target_vel - vx).abs()
    tracking = torch.exp(-(gap ** 2) / 0.5)
    smoothness = torch.tanh(dof_vel.abs().mean(dim=1, keepdim=True)).squeeze(1)
    saturation = (actions.abs() > 0.9).float().mean(dim=-1)
    pitch = torch.asin(torch.clip(2.0 * (root_states[:, 6] * root_states[:, 4] - root_states[:, 5] * root_states[:, 3]) / 10.0, -1.0, 1.0))
    total = tracking.mul(2.0).sub(smoothness * 0.1).sub_(saturation * 0.05) - 0.1 * pitch.abs()
    return total, {"tracking": tracking, "smoothness": smoothness, "saturation": saturation, "pitch": pitch}
