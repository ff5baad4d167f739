# fields: q[7], qd[7], tau[7], target[7], mask[7]{-1,1}
import numpy as np

def compute_reward(q, qd, tau, target, mask):
    error = np.where(mask > 0, q - target, 0.0)
    error[np.abs(error) < 0.1] = 0.0
    error[-1] *= 2
    error[:3] += 0.01
    weights = np.array([1, 2, 3, 4, 3, 2, 1], dtype=np.float64)
    weights = weights / weights.sum()
    tracking = np.exp(-np.sum(weights * error ** 2))
    power = np.abs(tau * qd)
    power_term = power.mean() + power.max() - power[power.argmax()]
    window = np.clip(q, -1, 1)[::2]
    m = np.outer(window, window)
    m[0, :] = 0
    m[:, -1] = np.arange(4)
    block = np.vstack([q[:3], qd[:3]]).T
    swapped = block[:, ::-1].copy()
    swapped[0] = 1.0
    normalised = q / (np.linalg.norm(q) + 1e-8)
    limits = np.stack([np.full(7, -1.5), np.full(7, 1.5)], axis=-1)
    out = np.maximum(limits[:, 0] - q, 0) + np.maximum(q - limits[:, 1], 0)
    return tracking - 0.01 * power_term + m.sum() + swapped.prod() + normalised[2] - out.sum() + block.shape[0] + q.size + q.ndim
