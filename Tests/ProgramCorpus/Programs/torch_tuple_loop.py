# fields: tips[4,3], cube[3], goal[3], acts[8]{-1,1}
import torch

def tip_rewards(tips, cube, weights=(1.0, 0.8, 0.6, 0.4)):
    rewards = []
    for i, weight in enumerate(weights):
        dist = torch.norm(tips[:, i] - cube, p=2, dim=-1)
        rewards.append(weight * torch.exp(-3.0 * dist))
    return rewards

def compute_reward(tips, cube, goal, acts):
    device = tips.device
    rewards = tip_rewards(tips, cube)
    total = torch.zeros_like(rewards[0], device=device)
    for r in rewards:
        total = total + r
    names = [f"tip{i}" for i in range(len(rewards))]
    info = {name: reward for name, reward in zip(names, rewards)}
    stacked = torch.stack(rewards, dim=-1)
    best, which = stacked.max(dim=-1)
    info["best"] = best
    info["which"] = which.float()
    spread = stacked.max(-1)[0] - stacked.min(-1)[0]
    x_err, y_err, z_err = [(cube[:, k] - goal[:, k]).abs() for k in range(3)]
    info["lift"] = torch.where(cube[:, 2] > 0.1, torch.ones_like(best), torch.zeros_like(best))
    total += info["lift"] - 0.1 * (x_err + y_err + 2 * z_err) - 0.2 * spread
    n = acts.shape[1] // 2
    left, right = acts[:, :n], acts[:, n:]
    total -= 0.05 * (left - right).pow(2).mean(dim=1)
    return total, info
