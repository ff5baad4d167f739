# fields: dist{0,2}, vel, act[2]{-1,1}
import numpy as np

WEIGHTS = dict(reach=1.0, slow=0.2, effort=0.05)

def terms(dist, vel, act):
    return {"reach": np.exp(-dist), "slow": -vel ** 2, "effort": -np.sum(act ** 2)}

def compute_reward(dist, vel, act):
    parts = terms(dist, vel, act)
    info = {}
    info.update(parts)
    info.setdefault("bonus", 0.0)
    if dist < 0.5:
        info["bonus"] = 1.0
    total = info["bonus"]
    for key, value in parts.items():
        total += WEIGHTS.get(key, 1.0) * value
    merged = {**info, "twice": 2 * total}
    removed = merged.pop("twice")
    names = list(merged.keys())
    return total + 0 * removed + len(names), merged
