# fields: pen_pos[3], pen_quat[4], target_axis[3], hand_pos[3], gravity{9.8,9.8}
import torch

def quat_axis(q, axis: int = 0):
    basis_vec = torch.zeros(q.shape[0], 3, device=q.device)
    basis_vec[:, axis] = 1
    qvec, w = q[:, :3], q[:, 3:4]
    t = 2 * torch.cross(qvec, basis_vec, dim=1)
    return basis_vec + w * t + torch.cross(qvec, t, dim=1)

@torch.no_grad()
def compute_reward(pen_pos, pen_quat, target_axis, hand_pos, gravity: float = 9.8):
    axes = [quat_axis(pen_quat, i) for i in range(3)]
    alignment = torch.einsum("bi, bi -> b", axes[2], target_axis)
    near = 1 / (1 + torch.linalg.norm(pen_pos - hand_pos, dim=1) ** 2)
    energy = gravity * pen_pos[:, 2].clamp(min=0)
    score = torch.sigmoid(alignment) + near - 0.01 * energy
    flat = torch.cat([a.unsqueeze(1) for a in axes], dim=1)
    handed = torch.det(flat)
    return score, {"alignment": alignment, "near": near, "handed": handed}
