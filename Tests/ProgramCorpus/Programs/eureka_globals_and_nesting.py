# fields: root_states[13], dof_pos[12], dof_vel[12], default_dof_pos[12], foot_contacts[4]{0,1}, commands[4]{-1,1}
import math
import torch
from torch import Tensor
from typing import Dict, Tuple, Optional

TRACKING_SIGMA = 0.25
WEIGHTS = {"tracking": 1.0, "pose": -0.1, "feet": 0.2, "dof_vel": -0.001}
HALF_PI = math.pi / 2

def _tracking(commands: Tensor, velocity: Tensor) -> Tensor:
    error = torch.sum((commands[:, :2] - velocity[:, :2]) ** 2, dim=1)
    return torch.exp(-error / TRACKING_SIGMA)

def compute_reward(root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor, default_dof_pos: Tensor, foot_contacts: Tensor, commands: Tensor, scale: Optional[Tensor] = None) -> Tuple[Tensor, Dict[str, Tensor]]:
    def weighted(name: str, value: Tensor) -> Tensor:
        return WEIGHTS[name] * value

    terms = {}
    terms["tracking"] = weighted("tracking", _tracking(commands, root_states[:, 7:10]))
    terms["pose"] = weighted("pose", torch.abs(dof_pos - default_dof_pos).sum(dim=1))
    in_contact = foot_contacts > 0.5
    trot = (in_contact[:, 0] == in_contact[:, 3]).float() * (in_contact[:, 1] == in_contact[:, 2]).float()
    terms["feet"] = weighted("feet", trot)
    terms["dof_vel"] = weighted("dof_vel", torch.square(dof_vel).sum(dim=1))
    total = torch.stack([t for t in terms.values()], dim=0).sum(dim=0)
    if scale is not None:
        total = total * scale
    heading = torch.atan2(root_states[:, 4], root_states[:, 3])
    total = total + 0.05 * torch.cos(heading / HALF_PI)
    return total, terms
