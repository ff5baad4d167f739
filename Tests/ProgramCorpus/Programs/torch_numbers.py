# fields: x[4]
import torch
import math
import numpy as np
def compute_reward(x: torch.Tensor):
    k = 2 ** 0.5 * math.pi / np.pi
    t = torch.tensor([0.1, 0.2, 0.3, 0.4])
    a = (x * t).sum(-1) + (x @ t) + torch.matmul(x, t) + torch.sum(x[:, :2] / t[:2], dim=-1)
    b = torch.log(torch.abs(x) + 1e-6).mean(-1) + torch.log1p(x.abs()).mean(-1) + torch.log2(x.abs() + 1).sum(-1)
    c = torch.sin(x).sum(-1) + torch.cos(x).prod(-1) + torch.tan(x * 0.1).sum(-1) + torch.atan(x).sum(-1) + torch.asin(x / 3).sum(-1) + torch.acos(x / 3).sum(-1)
    d = torch.sqrt(torch.relu(x)).sum(-1) + torch.exp(torch.clamp(x, max=1.0)).sum(-1) + torch.expm1(x).mean(-1) + torch.erf(x).sum(-1)
    e = torch.deg2rad(x * 90).sum(-1) + torch.rad2deg(x).mean(-1) + torch.sinh(x).mean(-1) + torch.cosh(x).mean(-1) + torch.asinh(x).sum(-1)
    f = torch.trunc(x).sum(-1)
    g = k * x[:, 0] ** 2 + x[:, 1] ** 3 - x[:, 2] ** 4 + (x[:, 3] ** 2) ** 0.5 + 2 ** x[:, 0] + x[:, 1].abs() ** 1.3
    return a + b + c + d + e + f + g, {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g}
