# fields: root_positions[3], root_quats[4], root_linvels[3], root_angvels[3], target[3]
def compute_reward(root_positions: torch.Tensor, root_quats: torch.Tensor, root_linvels: torch.Tensor, root_angvels: torch.Tensor, target: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    device = root_positions.device
    target_dist = torch.sqrt(torch.square(target - root_positions).sum(-1))
    pos_reward = 1.0 / (1.0 + target_dist * target_dist)
    x, y, z, w = root_quats[:, 0], root_quats[:, 1], root_quats[:, 2], root_quats[:, 3]
    ups_z = 1.0 - 2.0 * (x * x + y * y)
    tiltage = torch.abs(1 - ups_z)
    up_reward = 1.0 / (1.0 + tiltage * tiltage)
    spinnage = torch.abs(root_angvels[..., 2])
    spin_reward = 1.0 / (1.0 + spinnage * spinnage)
    speed_penalty = torch.clamp(torch.norm(root_linvels, dim=1) - 1.0, min=0.0) * 0.1
    reward = pos_reward + pos_reward * (up_reward + spin_reward) - speed_penalty
    ones = torch.ones_like(reward, dtype=torch.float32, device=device)
    die = torch.zeros_like(reward)
    die = torch.where(target_dist > 3.0, ones, die)
    reward = reward - die
    return reward, {"pos_reward": pos_reward, "up_reward": up_reward, "spin_reward": spin_reward}
