# fields: q[4], r[4], v[3], angle
import torch
try_import = None


def compute_reward(q: torch.Tensor, r: torch.Tensor, v: torch.Tensor, angle: torch.Tensor):
    q = q / torch.norm(q, dim=-1, keepdim=True)
    r = r / torch.norm(r, dim=-1, keepdim=True)
    product = quat_mul(q, quat_conjugate(r))
    turned = quat_rotate(q, v)
    back = quat_rotate_inverse(q, turned)
    applied = quat_apply(q, v)
    axis = torch.tensor([0.0, 0.0, 1.0]).repeat(q.shape[0], 1)
    spun = quat_mul(q, quat_from_angle_axis(angle, axis))
    clamped = tensor_clamp(v, torch.full_like(v, -0.5), torch.full_like(v, 0.5))
    scaled = unscale(scale(v, torch.full_like(v, -2.0), torch.full_like(v, 3.0)), torch.full_like(v, -2.0), torch.full_like(v, 3.0))
    unit = normalize(v)
    total = product[:, 3] + turned[:, 2] + spun[:, 0]
    return total, {"back": back.sum(-1), "applied": applied.sum(-1), "clamped": clamped.sum(-1),
                   "scaled": scaled.sum(-1), "unit": unit.norm(dim=-1), "rad": quat_diff_rad(q, r)}


if __name__ == "__main__":
    print(compute_reward(None, None, None, None))
