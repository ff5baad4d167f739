# fields: root_states[13], prev_potentials, potentials, torso_height{0,2}, dof_vel_scaled[21], actions[21]{-1,1}, up_proj{-1,1}
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(
    root_states: torch.Tensor,
    prev_potentials: torch.Tensor,
    potentials: torch.Tensor,
    torso_height: torch.Tensor,
    dof_vel_scaled: torch.Tensor,
    actions: torch.Tensor,
    up_proj: torch.Tensor,
) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    # ---- hyper-parameters -------------------------------------------------
    progress_scale: float = 1.0
    alive_bonus: float = 2.0
    upright_threshold: float = 0.93
    fall_height: float = 0.8
    temp_speed: float = 0.1

    speed = root_states[..., 7]
    progress = progress_scale * (potentials - prev_potentials)
    speed_reward = (temp_speed * speed).exp()
    upright = torch.where(up_proj > upright_threshold, torch.full_like(up_proj, 0.1), torch.zeros_like(up_proj))
    electricity = torch.sum(torch.abs(actions * dof_vel_scaled), dim=-1)
    alive = torch.ones_like(speed) * alive_bonus
    total = progress + speed_reward + upright + alive - 0.05 * electricity
    fallen = torso_height < fall_height
    total = torch.where(fallen, torch.full_like(total, -1.0), total)
    components: Dict[str, torch.Tensor] = {
        "progress": progress,
        "speed": speed_reward,
        "upright": upright,
        "electricity": -0.05 * electricity,
    }
    return total, components
