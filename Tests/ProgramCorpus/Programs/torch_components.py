# fields: ee[3], cube[3], goal[3], joint_vel[7], grasped{0,1}
import torch
from typing import Dict, Tuple

def compute_reward(ee: torch.Tensor, cube: torch.Tensor, goal: torch.Tensor, joint_vel: torch.Tensor, grasped: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    temperatures = {"reach": 0.2, "place": 0.4, "still": 5.0}
    scales: Dict[str, float] = {"reach": 1.0, "place": 3.0, "still": 0.1}
    distances = {
        "reach": torch.norm(ee - cube, dim=-1),
        "place": torch.norm(cube - goal, dim=-1) + 10.0 * (1.0 - grasped),
        "still": torch.norm(joint_vel, dim=-1),
    }

    def shape(name: str) -> torch.Tensor:
        return scales[name] * torch.exp(-distances[name] / temperatures[name])

    components = {name: shape(name) for name in distances}
    total = torch.stack(list(components.values())).sum(0)
    gated = torch.stack([c for c in components.values()], dim=-1).min(dim=-1).values
    total = total + torch.sum(torch.stack((gated, components["reach"])), dim=0) * 0.5
    components["gated"] = gated
    return total, components
