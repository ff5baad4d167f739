# fields: p[3], q[4], w[2,3], s{0,1}, b{-1,1}
import numpy as np
def quaternion_to_matrix(q):
    w, x, y, z = q / np.linalg.norm(q)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])
def compute_reward(p, q, w, s, b):
    R = quaternion_to_matrix(q)
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = p
    homogeneous = np.hstack([w, np.ones((2, 1))])
    moved = (T @ homogeneous.T).T[:, :3]
    back = np.linalg.inv(T) @ np.append(p, 1.0)
    e = np.einsum("ij,ij->i", moved, w).sum() + np.einsum("ij->j", w)[1] + np.einsum("ii", R)
    tilt = np.arccos(np.clip((np.trace(R) - 1) / 2, -1, 1))
    cond = b > 0
    weights = np.array([0.2, 0.3, 0.5])
    score = (weights * np.exp(-np.abs(p))).sum() / weights.sum()
    kind = "pos" if b > 0 else "pos"
    table = {"pos": 1.0, "neg": -1.0}
    return e + tilt + score * table[kind] + cond * s + np.linalg.norm(moved - w, axis=-1).max() + np.mean(moved, axis=(0, 1)) + np.prod(p[:2]) + moved.min() + (w > 0).mean() + np.sum(w, axis=0, keepdims=True).shape[1] + back.sum() + p.T[0] + np.cross(p, w[0])[2] + np.max([p[0], p[1], s])
