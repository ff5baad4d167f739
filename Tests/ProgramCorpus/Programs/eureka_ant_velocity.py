# fields: root_states[13], targets[3]{500,1000}, actions[8]{-1,1}, dt{0.0166,0.0166}
from typing import Dict, Tuple
import torch

@torch.jit.script
def compute_reward(root_states: torch.Tensor, targets: torch.Tensor, actions: torch.Tensor, dt: float) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    torso_position = root_states[:, 0:3]
    velocity = root_states[:, 7:10]
    to_target = targets - torso_position
    to_target[:, 2] = 0.0
    direction = to_target / torch.norm(to_target, p=2, dim=-1, keepdim=True)
    forward_speed = torch.sum(velocity * direction, dim=-1)
    # scale the speed with a bounded exponential
    speed_temperature = 2.0
    forward_reward = torch.exp(forward_speed / speed_temperature) - 1.0
    effort = -0.005 * torch.sum(torch.square(actions), dim=-1) / dt
    total_reward = forward_reward + effort
    reward_dict = {"forward_reward": forward_reward, "effort": effort}
    return total_reward, reward_dict
