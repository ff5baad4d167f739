# fields: root_states[13], targets[3]{900,1000}, potentials{-1100,-900}, dt{0.0166,0.0166}, actions[8]{-1,1}
import torch
from torch import Tensor
from typing import Tuple, Dict
@torch.jit.script
def compute_reward(root_states: Tensor, targets: Tensor, potentials: Tensor, actions: Tensor, dt: float) -> Tuple[Tensor, Dict[str, Tensor]]:
    torso_position = root_states[:, 0:3]
    velocity = root_states[:, 7:10]
    to_target = targets - torso_position
    to_target[:, 2] = 0.0
    prev_potentials = potentials.clone()
    new_potentials = -torch.norm(to_target, p=2, dim=-1) / dt
    forward = velocity[:, 0]
    speed_temp: float = 0.5
    speed_reward = torch.exp(forward / speed_temp) - 1.0
    uprightness = torch.where(torso_position[:, 2] > 0.3, torch.ones_like(forward), torch.zeros_like(forward))
    cost = torch.sum(torch.square(actions), dim=-1) * 0.005
    total = speed_reward + 0.5 * uprightness - cost + 0.0001 * (new_potentials - prev_potentials)
    reward_dict = {
        "speed_reward": speed_reward,
        "uprightness": uprightness,
        "cost": -cost,
    }
    return total, reward_dict
