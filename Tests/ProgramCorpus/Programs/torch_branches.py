# fields: obs[4], stage{0,1}
import torch

def shaped(x, scale=1.0, *, offset=0.0):
    return torch.tanh(x * scale) + offset

def compute_reward(obs, stage):
    weights = [1.0, 0.5, 0.25, 0.125]
    total = 0
    terms = {}
    for i, w in enumerate(weights):
        term = w * shaped(obs[:, i], scale=i + 1, offset=0.1 * i)
        total = total + term
        terms[f"term_{i}"] = term
    names = ["x", "y"]
    for name, value in zip(names, (obs[:, 0], obs[:, 1])):
        terms[name] = value * 2
    f = lambda v, k=2: v ** k
    total += sum([f(obs[:, j]) for j in range(4)])
    bonus = torch.where((stage > 0.3) & (obs[:, 0] > 0) | (obs[:, 1] > 1), torch.tensor(1.0), torch.tensor(-1.0))
    if total is not None and len(weights) == 4:
        total = total + bonus
    while len(names) < 4:
        names.append("z")
    total = total * (1 if len(names) == 4 else 0)
    terms.update({"bonus": bonus})
    return total, terms
