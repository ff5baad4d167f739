# fields: x[3], flag{0,1}, count{0,5}
import torch
def compute_reward(x: torch.Tensor, flag: torch.Tensor, count: torch.Tensor):
    near = (x.norm(dim=-1) < 2.0)
    a = near.to(torch.float32) + near.float() * 2 + near.int() + near.long() * 3 + near.type(torch.float) + near.to(x.dtype)
    b = torch.where(near, 1.0, -1.0) + torch.where(near & (flag > 0.5), x[:, 0], 0.0)
    c = (count.floor() % 2 == 0).float() + torch.remainder(count, 2.0) + count // 2 + torch.fmod(count, 3)
    d = (~near).float() + (near ^ (flag > 0.5)).float() + torch.logical_and(near, flag > 0.2).float() + torch.logical_not(near)
    e = near.float()
    f = x.sign().sum(-1) + torch.round(x).sum(-1) + x.ceil().prod(-1) + torch.heaviside(x, torch.tensor(0.5)).sum(-1) + x.int().sum(-1)
    g = torch.isnan(x).any(dim=-1).float() + torch.isfinite(x).all(-1) + torch.nan_to_num(x)[:, 1]
    h = x.eq(0).sum(-1) + x.gt(1).sum(-1) + x.le(0).float().mean(-1) + torch.count_nonzero(x > 0, dim=-1)
    i = 1 * near + 0.5 * (flag > 0.3) - (count > 2) * 0.25
    j = torch.tensor([1.0, 2.0, 3.0]) @ torch.tensor([0.1, 0.2, 0.3]) + (x * torch.tensor([1.0, -1.0, 0.5], device=x.device)).sum(dim=-1)
    return a + b + c + d + e + f + g + h + i + j, {"a": a, "b": b, "c": c, "d": d, "f": f, "h": h, "i": i, "j": j}
