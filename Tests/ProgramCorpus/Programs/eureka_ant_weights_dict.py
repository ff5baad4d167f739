# fields: root_states[13], heading_proj{-1,1}, up_proj{-1,1}, actions[8]{-1,1}, dof_vel[8]
import torch
from typing import Dict, Tuple

def compute_reward(root_states: torch.Tensor, heading_proj: torch.Tensor, up_proj: torch.Tensor, actions: torch.Tensor, dof_vel: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    weights = {"speed": 1.5, "heading": 0.5, "upright": 0.1, "energy": -0.05, "smooth": -0.02}
    components = {
        "speed": torch.nn.functional.softplus(root_states[:, 7]),
        "heading": torch.where(heading_proj > 0.8, torch.ones_like(heading_proj), heading_proj / 0.8),
        "upright": (up_proj > 0.93).float(),
        "energy": (actions * dof_vel).abs().sum(dim=-1),
        "smooth": torch.linalg.norm(actions, ord=2, dim=-1),
    }
    total = torch.zeros(root_states.shape[0], device=root_states.device)
    for name, weight in weights.items():
        total = total + weight * components[name]
    return total, {name: weights[name] * value for name, value in components.items()}
