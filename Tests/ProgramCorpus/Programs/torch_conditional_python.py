# fields: x[3], y, threshold{0.5,0.5}
import torch
def compute_reward(x: torch.Tensor, y: torch.Tensor, threshold: float, mode: str = "dense", use_bonus: bool = True, debug=False):
    assert x.dim() == 2 and x.shape[-1] == 3
    if mode == "dense":
        r = -x.norm(dim=-1)
    elif mode == "sparse":
        r = (x.norm(dim=-1) < threshold).float()
    else:
        raise_here = undefined_name
    if use_bonus:
        r = r + (y.abs() < threshold)
    if debug:
        print(f"reward: {r.mean():.3f}")
    if x.ndim == 2:
        r = r.unsqueeze(-1).squeeze()
    if isinstance(x, torch.Tensor) and x.size(1) == 3 and len(x.shape) == 2:
        r = r * 2
    r = r.view(-1)
    return r, {}
