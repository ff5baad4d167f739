# fields: foot_heights[4]{0,0.3}, foot_forces[4,3], commands[3]{-1,1}, gait_phase{0,1}
import torch
import math
from typing import Dict, Tuple

def compute_reward(foot_heights: torch.Tensor, foot_forces: torch.Tensor, commands: torch.Tensor, gait_phase: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    offsets = torch.tensor([0.0, 0.5, 0.5, 0.0], device=foot_heights.device)
    phases = torch.remainder(gait_phase.unsqueeze(1) + offsets, 1.0)
    swing = (torch.sin(2 * math.pi * phases) > 0).float()
    force = foot_forces[:, :, 2].abs()
    in_contact = force > 0.5
    mismatch = (swing * in_contact + (1 - swing) * (~in_contact)).sum(dim=1)
    clearance = (swing * torch.square(foot_heights - 0.1)).sum(dim=1)
    moving = torch.norm(commands[:, :2], dim=1) > 0.1
    tripod = in_contact.sum(dim=1).eq(2).float() * moving
    total = torch.exp(-mismatch) - 5.0 * clearance + 0.2 * tripod
    return total, {"mismatch": mismatch, "clearance": clearance, "tripod": tripod}
