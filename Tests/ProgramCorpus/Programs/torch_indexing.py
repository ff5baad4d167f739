# fields: x[5,3], y[5], k[3]
import torch
def compute_reward(x: torch.Tensor, y: torch.Tensor, k: torch.Tensor):
    batch = x.shape[0]
    a = x[:, 0, :].sum(-1) + x[:, -1, 1] + x[..., 2].mean(-1) + x[:, 1:4:2, 0].sum(1)
    b = x[:, [0, 2, 4]].sum(dim=(1, 2)) + y[:, :-1].sum(-1) + y[:, ::2].prod(dim=-1)
    c = x.permute(0, 2, 1)[:, 1].sum(-1) + x.transpose(-1, -2).reshape(batch, -1)[:, 7]
    d = torch.stack([y[:, 0], y[:, 1], k[:, 2]], dim=1).max(dim=1).values
    e = torch.cat((y, k), dim=1).sum(-1) + torch.cat([x, x], dim=1).sum(dim=[1, 2]) * 0.1
    f = (x - y.unsqueeze(-1)).norm(dim=-1).min(dim=-1)[0] + (x * k.unsqueeze(1)).sum(dim=-1).amax(dim=-1)
    g = y.unsqueeze(1).expand(-1, 3, -1).sum((1, 2)) + k.repeat(1, 2).sum(1) + k[:, None].squeeze(1)[:, 0]
    h = torch.zeros(batch, 3, device=x.device) + k
    i = torch.full((batch,), 0.5) + torch.full_like(y[:, 0], 2.0) + torch.ones(batch)
    p, q, r = k.unbind(dim=-1)
    s = torch.index_select(y, 1, torch.tensor([0, 3])).sum(-1)
    m, n = torch.split(y, [2, 3], dim=1)
    u = torch.chunk(y[:, :4], 2, dim=-1)[1].sum(-1)
    v = x.flatten(start_dim=1)[:, 4] + x.view(-1, 15)[:, 3] + x.reshape(x.size(0), 3, 5)[:, 2, 4]
    o = y.argmin(dim=-1)
    t = x[:, :, 0].cumsum(1)[:, 2]
    total = a + b + c + d + e + f + g + h.sum(-1) + i + p * q - r + s + m.sum(1) + n.mean(1) + u + v + o + t
    return total, {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g, "v": v}
