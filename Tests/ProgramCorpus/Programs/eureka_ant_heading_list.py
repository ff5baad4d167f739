# fields: root_states[13]{-1,1}, heading_vec[3]{-1,1}, up_vec[3]{-1,1}, actions[8]{-1,1}
import torch
from torch import Tensor
from typing import Tuple, Dict

@torch.jit.script
def compute_reward(root_states: Tensor, heading_vec: Tensor, up_vec: Tensor, actions: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
    """Run forward as fast as possible."""
    device = root_states.device
    lin_vel = root_states[:, 7:10]
    ang_vel = root_states[:, 10:13]
    forward = torch.tensor([1.0, 0.0, 0.0], device=device)
    up = torch.tensor([0.0, 0.0, 1.0], device=device)
    forward_velocity = torch.matmul(lin_vel, forward)
    uprightness = (up_vec * up).sum(dim=1)
    heading = (heading_vec * forward.unsqueeze(0)).sum(dim=1)
    spin = ang_vel.norm(p=2, dim=1)
    vel_temp: float = 0.25
    spin_temp: float = 0.5
    r_vel = 1.0 - torch.exp(-vel_temp * torch.relu(forward_velocity))
    r_up = torch.clamp(uprightness, min=0.0, max=1.0)
    r_heading = torch.clamp_min(heading, 0.0)
    r_spin = torch.exp(-spin_temp * spin)
    reward = 2.0 * r_vel + 0.3 * r_up * r_heading + 0.1 * r_spin - 1e-3 * actions.pow(2).sum(-1)
    return reward, {"r_vel": r_vel, "r_up": r_up, "r_heading": r_heading, "r_spin": r_spin}
