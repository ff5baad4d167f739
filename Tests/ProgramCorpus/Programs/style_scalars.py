# fields: a, b, c
import math
def compute_reward(a, b, c):
    r = math.sqrt(a * a + b * b) + math.hypot(a, b) + math.atan2(b, a) + math.pow(abs(a) + 1, 1.7) + math.floor(a) + math.ceil(b)
    r += math.log(abs(c) + 1, ) + math.degrees(0.1) + math.copysign(1.0, c) + math.fabs(b) + math.fmod(a, 0.3) + math.pi * math.e
    r += math.isfinite(a) + int(a * 3) + float(b > 0) + bool(c > 0) + round(c, 1) + abs(-c) + pow(a, 2) + (a // 1) + (b % 1)
    r += math.exp(-abs(a)) + math.tanh(b) + math.cosh(c) - math.sinh(c) + math.log10(2) + math.radians(c)
    r += 1e-3 * 2 ** 10 + 7 // 2 + 7 % 3 + -7 // 2 + (-7) % 3 + 0x10 + 1_000 * 1e-3 + 3 ** -1 + (5 & 3) + (5 | 3) + (5 ^ 3) + (1 << 3)
    return r
