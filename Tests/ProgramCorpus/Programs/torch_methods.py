# fields: obs[6], action[2]{-1,1}, flag{0,1}
import torch
import torch.nn.functional as F

def compute_reward(obs: torch.Tensor, action: torch.Tensor, flag: torch.Tensor):
    a = obs.pow(2).sum(-1).sqrt()
    b = obs.abs().max(dim=-1).values
    c, idx = obs.min(dim=1)
    d = obs.mean(dim=-1, keepdim=True)
    e = ((obs - d) ** 2).sum(dim=-1)
    f = obs.std(dim=-1)
    g = obs.var(dim=-1, unbiased=False)
    h = action.clamp(-0.5, 0.5).prod(dim=1)
    i = F.relu(obs[:, 0]) + F.softplus(obs[:, 1]) + torch.sigmoid(obs[:, 2]) + F.elu(obs[:, 3]) + F.leaky_relu(obs[:, 4], 0.2) + F.gelu(obs[:, 5])
    j = (obs > 0).sum(dim=-1)
    k = (obs > 0).any(dim=-1) & ~(obs > 1.5).all(dim=-1)
    l = obs.argmax(dim=-1).float()
    m = torch.softmax(obs, dim=-1)[:, 0]
    n = obs.reshape(-1, 2, 3).sum(dim=2).max(dim=1)[0]
    o = obs.view(obs.shape[0], 3, 2).transpose(1, 2)[:, 0, :].sum(-1)
    p = torch.logical_or(flag > 0.5, obs[:, 0] < 0).float()
    q = torch.maximum(obs[:, 0], obs[:, 1]) - torch.minimum(obs[:, 2], obs[:, 3])
    r = torch.linalg.norm(obs, dim=-1) + torch.norm(obs, p=1, dim=-1)
    s = obs.cumsum(dim=-1)[:, -1] + torch.flip(obs, dims=[1])[:, 0]
    t = torch.lerp(obs[:, 0], obs[:, 1], 0.3)
    total = a + b + c + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t
    return total, {"a": a, "b": b, "c": c, "d": d.squeeze(-1), "idx": idx.float(), "f": f, "g": g, "i": i, "j": j, "k": k.float(), "l": l,
                   "m": m, "n": n, "o": o, "p": p, "q": q, "r": r, "s": s, "t": t}
