# fields: p[4], t[4]
import torch
import torch.nn.functional as F
def compute_reward(p: torch.Tensor, t: torch.Tensor):
    a = F.mse_loss(p, t, reduction="none").mean(dim=-1)
    b = F.smooth_l1_loss(p, t, reduction='none').sum(-1)
    c = F.huber_loss(p, t, reduction='none', delta=0.5).sum(-1) + F.l1_loss(p, t, reduction="none").amax(-1)
    d = F.cosine_similarity(p, t, dim=-1) + F.pairwise_distance(p, t)
    e = F.softmax(p, dim=-1).max(-1).values + F.log_softmax(p, dim=1)[:, 0] + torch.logsumexp(p, dim=-1)
    f = F.normalize(p, dim=-1)[:, 0] + F.relu6(p * 4)[:, 1] + F.silu(p)[:, 2] + F.hardtanh(p)[:, 3] + F.logsigmoid(p)[:, 0]
    g = torch.exp(-a) + torch.pow(p.abs() + 0.1, 0.5).sum(-1) + p.abs().add(1).log().sub(0.5).mul(2).div(3).sum(-1) + torch.rsqrt(p.abs() + 1).sum(-1)
    h = p.abs().clamp(min=0.2, max=1).prod(-1) + torch.clamp_min(p, 0).sum(-1) + p.clip(-1, 1).std(dim=-1) + p.square().sum(-1).sqrt()
    i = p.lt(t).float().mean(-1)
    total = a + b + c + d + e + f + g + h + i
    return total, {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g, "h": h}
