# fields: root_states[13], actions[8]{-1,1}
import torch
from typing import Dict, Tuple

def compute_reward(root_states: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    env_count = root_states.size()[0]
    vel = root_states[:, 7:10]
    fwd = torch.zeros(env_count, 3, device=root_states.device)
    fwd[:, 0] = 1
    dots = torch.einsum("ni,ni->n", vel, fwd)
    r = torch.where(dots > 0, dots, dots * 0.1)
    penalty = actions.abs().max(dim=1)[0]
    r = r - 0.1 * penalty
    reward_dict: Dict[str, torch.Tensor] = dict(forward=dots, penalty=penalty)
    return r.view(env_count), reward_dict
