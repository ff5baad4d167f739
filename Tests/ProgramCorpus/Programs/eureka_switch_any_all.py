# fields: switch_right_handle_pos[3], switch_left_handle_pos[3], fingers[5,3], object_dof_pos[2]{0,1}
import torch
from typing import Dict, Tuple

def compute_reward(switch_right_handle_pos: torch.Tensor, switch_left_handle_pos: torch.Tensor, fingers: torch.Tensor, object_dof_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    to_right = torch.linalg.vector_norm(fingers - switch_right_handle_pos.unsqueeze(1), dim=-1)
    to_left = torch.linalg.vector_norm(fingers - switch_left_handle_pos[:, None], dim=-1)
    touch_right = (to_right < 1.0).any(dim=-1)
    touch_left = torch.any(to_left < 1.0, dim=-1)
    nearest, which = torch.min(torch.cat((to_right, to_left), dim=-1), dim=-1)
    pressed = (object_dof_pos > 0.7)
    all_pressed = torch.all(pressed, dim=-1)
    number = pressed.float().sum(dim=-1)
    reward = torch.exp(-nearest) + 0.5 * (touch_right.float() + touch_left.float()) + number + 5.0 * all_pressed
    reward = reward + 0.01 * which.float()
    return reward, {"nearest": nearest, "number": number, "all": all_pressed.float()}
