# fields: pole_angle{-0.5,0.5}, pole_vel, cart_vel, cart_pos
def compute_reward(pole_angle: torch.Tensor, pole_vel: torch.Tensor, cart_vel: torch.Tensor, cart_pos: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    reward = 1.0 - pole_angle * pole_angle - 0.01 * torch.abs(cart_vel) - 0.005 * torch.abs(pole_vel)
    reward = torch.where(torch.abs(cart_pos) > 1.5, torch.ones_like(reward) * -2.0, reward)
    reward = torch.where(torch.abs(pole_angle) > 0.4, torch.ones_like(reward) * -2.0, reward)
    return reward, {}
