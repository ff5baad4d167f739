# fields: ball_positions[3], ball_linvels[3]
import torch

def compute_reward(ball_positions: torch.Tensor, ball_linvels: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    x, y, z = ball_positions.unbind(dim=-1)
    radial = torch.stack((x, y), dim=-1).norm(dim=-1)
    temps = {"r": 0.5, "v": 1.0}
    out = {k: torch.exp(-v / temps[k]) for k, v in {"r": radial, "v": ball_linvels.norm(dim=-1)}.items()}
    total = out["r"] + 0.5 * out["v"]
    total = total * torch.where(z > 0.0, 1.0, 0.5)
    return total, out
