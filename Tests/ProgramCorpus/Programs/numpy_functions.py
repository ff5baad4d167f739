# fields: a, b, v[5], w[5], m[3,3]
import numpy as np

def compute_reward(a, b, v, w, m):
    t = {}
    t["trig"] = np.sin(a) + np.cos(b) + np.tan(a * 0.3) + np.arctan2(a, b) + np.arctan(a) + np.arcsin(np.clip(a, -1, 1)) + np.sinh(a) + np.cosh(b) + np.arcsinh(a)
    t["exps"] = np.exp(a) + np.expm1(b) + np.log(np.abs(a) + 1) + np.log1p(np.abs(b)) + np.log2(np.abs(a) + 1) + np.log10(np.abs(b) + 0.5) + np.exp2(a)
    t["round"] = np.floor(a) + np.ceil(b) + np.round(a, 1) + np.rint(b) + np.trunc(a) + np.sign(b) + round(a) + int(b) + round(b, 2)
    t["mod"] = a % 0.7 + b // 0.3 + np.mod(a, -0.4) + np.fmod(a, 0.6) + np.remainder(b, 0.9)
    t["minmax"] = np.maximum(a, b) + np.minimum(v, w).sum() + np.fmax(a, b) + np.ptp(v) + v.max() - w.min() + np.amax(v * w)
    t["stats"] = v.mean() + np.std(v) + np.var(w) + np.median(v) + np.percentile(w, 30) + np.average(v, weights=np.abs(w) + 0.1)
    t["linear"] = v.dot(w) + np.inner(v, w) + v @ w + np.outer(v, w).sum() + np.linalg.det(m) + np.cross(v[:3], w[:3]).sum() + np.trace(m)
    t["norms"] = np.linalg.norm(v) + np.linalg.norm(v, 1) + np.linalg.norm(v, ord=np.inf) + np.linalg.norm(m, axis=1).sum() + np.linalg.norm(m) + np.hypot(a, b)
    t["logic"] = np.where(v > 0, v, w).sum() + np.logical_and(a > 0, b > 0) + np.any(v > 1) + np.all(w < 1.5) + np.isclose(a, a) + np.count_nonzero(v > 0) + np.isnan(a)
    t["shape"] = np.concatenate([v, w])[3:7].sum() + np.stack([v, w], axis=1)[2].sum() + np.diff(v).sum() + np.cumsum(w)[2] + np.flip(v)[0] + np.roll(w, 1)[0] + np.tile(v, 2).sum() + np.repeat(a, 3).sum() + np.hstack([v, a]).sum() + v[::-1][1] + v[-2:].sum() + v[[0, 2]].sum() + m[1:, ::2].sum() + np.reshape(m, (9,))[4] + np.expand_dims(v, 0).shape[1] + np.squeeze(v[None]).sum()
    t["create"] = (np.zeros(3) + np.ones(3) * a).sum() + np.full(2, b).sum() + np.arange(5).dot(v) + np.linspace(0, 1, 5) @ w + np.eye(3).sum() + np.zeros_like(v).sum() + np.array([a, b, 1.0]).prod() + np.ones_like(w).mean()
    t["power"] = a ** 2 + abs(b) ** 1.5 + np.power(np.abs(a), 0.3) + np.sqrt(np.abs(b)) + 2 ** a + np.square(b) + a ** 3 + (np.abs(a) + 0.1) ** -1 + np.cbrt(a)
    t["degrees"] = np.deg2rad(a) + np.degrees(b) + np.heaviside(a, 0.5) + np.nan_to_num(a) + np.copysign(a, b) + np.reciprocal(np.abs(a) + 1)
    return sum(t.values()), t
