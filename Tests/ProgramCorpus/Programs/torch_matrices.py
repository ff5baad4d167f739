# fields: R[3,3], p[3], keypoints[4,3], goal[4,3]
import torch

def compute_reward(R: torch.Tensor, p: torch.Tensor, keypoints: torch.Tensor, goal: torch.Tensor):
    moved = torch.matmul(keypoints, R.transpose(1, 2)) + p.unsqueeze(1)
    dists = torch.norm(moved - goal, dim=-1)
    worst = dists.max(dim=-1)[0]
    mean = dists.mean(-1)
    trace = R[:, 0, 0] + R[:, 1, 1] + R[:, 2, 2]
    also = torch.einsum("bij,bj->bi", R, p).sum(-1)
    gram = (keypoints @ goal.permute(0, 2, 1))[:, 0, 1]
    cd = torch.cdist(keypoints, goal).min(dim=-1).values.sum(dim=-1)
    flat = keypoints.flatten(1).abs().sum(1)
    stacked = torch.cat([p, keypoints[:, 0], goal[:, 1]], dim=-1).sum(-1)
    return -mean - 0.1 * worst, {"worst": worst, "trace": trace, "also": also, "gram": gram, "cd": cd, "flat": flat, "stacked": stacked}
