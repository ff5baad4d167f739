# fields: v, contact{-1,1}, pos[2], h{0,2}
# kind: fitness
import numpy as np
def fitness(v, contact, pos, h):
    on = contact > 0
    a = v[on].sum() + v[~on].mean() + len(v[on]) + v[on].max() - v[~on].min() + np.abs(v[on]).mean()
    b = pos[on].mean(axis=0).sum() + pos[on, 0].sum() + np.linalg.norm(pos[on], axis=1).mean()
    w = v.copy()
    w[on] = 0.0
    w[h > 1.5] += 1.0
    c = w.sum() + np.cumsum(w)[-1] + np.cumsum(w).max()
    d = np.trapezoid(v, dx=0.05) + np.diff(v, 2).mean() + np.var(v) + np.ptp(h) + np.sort(v)[0] + np.sort(v)[-3:].mean()
    length = np.linalg.norm(np.diff(pos, axis=0), axis=-1).sum()
    straight = np.linalg.norm(pos[-1] - pos[0])
    e = straight / (length + 1e-6) + np.percentile(h, 25) + np.argmin(h) * 0.01 + np.count_nonzero(on)
    t = np.arange(len(v)) / len(v)
    slope = ((t - t.mean()) * (v - v.mean())).sum() / ((t - t.mean()) ** 2).sum()
    f = np.exp(-t * 2).dot(v) + slope + np.mean(v[::3]) + np.mean(v[1::2]) + np.all(h > 0) + np.std(np.diff(h)) + v[::-1].cumsum()[2]
    return float(a + b + c + d + e + f)
