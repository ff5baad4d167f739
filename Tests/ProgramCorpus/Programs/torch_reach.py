# fields: fingertip[2], target[2], action[2]{-1,1}
import torch
from typing import Dict, Tuple


@torch.jit.script
def compute_reward(fingertip: torch.Tensor, target: torch.Tensor, action: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    """Reach the target smoothly."""
    distance = torch.norm(fingertip - target, dim=-1)
    distance_temperature = 0.2
    reach = torch.exp(-distance / distance_temperature)
    effort = -0.01 * torch.sum(action ** 2, dim=-1)
    total = reach + effort
    return total, {"reach": reach, "effort": effort}
