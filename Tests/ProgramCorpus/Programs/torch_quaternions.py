# fields: q[4], r[4], v[3]
import torch

def quat_mul(a, b):
    x1, y1, z1, w1 = a.unbind(-1)
    x2, y2, z2, w2 = torch.unbind(b, dim=-1)
    return torch.stack((w1*x2 + x1*w2 + y1*z2 - z1*y2, w1*y2 - x1*z2 + y1*w2 + z1*x2,
                        w1*z2 + x1*y2 - y1*x2 + z1*w2, w1*w2 - x1*x2 - y1*y2 - z1*z2), -1)

def rotate(q, v):
    shape = q.shape
    q_w = q[:, -1]
    q_vec = q[:, :3]
    a = v * (2.0 * q_w ** 2 - 1.0).unsqueeze(-1)
    b = torch.cross(q_vec, v, dim=-1) * q_w.unsqueeze(-1) * 2.0
    c = q_vec * torch.bmm(q_vec.view(shape[0], 1, 3), v.view(shape[0], 3, 1)).squeeze(-1) * 2.0
    return a + b + c

def compute_reward(q, r, v):
    q = q / q.norm(dim=-1, keepdim=True)
    r = torch.nn.functional.normalize(r, dim=1)
    m = quat_mul(q, r)
    angle = 2 * torch.acos(torch.clamp(torch.abs(m[:, 3]), max=0.999))
    up = rotate(q, v)[:, 2]
    yaw = torch.atan2(2 * (q[:, 3] * q[:, 2] + q[:, 0] * q[:, 1]), 1 - 2 * (q[:, 1] ** 2 + q[:, 2] ** 2))
    similarity = torch.cosine_similarity(q, r, dim=-1)
    dots = torch.einsum("bi,bi->b", q, r)
    return angle + up + yaw, {"angle": angle, "up": up, "yaw": yaw, "similarity": similarity, "dots": dots}
