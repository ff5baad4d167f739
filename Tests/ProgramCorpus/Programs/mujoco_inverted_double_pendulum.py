# fields: x, y{0,1.4}, v1, v2, cos_theta{-1,1}
import math

def compute_reward(x, y, v1, v2, cos_theta):
    dist_penalty = 0.01 * x ** 2 + (y - 2) ** 2
    vel_penalty = 1e-3 * v1 ** 2 + 5e-3 * v2 ** 2
    alive_bonus = 10 if y > 1 else 0
    r = alive_bonus - dist_penalty - vel_penalty
    r += math.copysign(0.1, cos_theta) * math.pow(abs(cos_theta), 1.5)
    return r
