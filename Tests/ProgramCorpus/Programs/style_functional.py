# fields: a[3], b[3], c
import numpy as np

def compute_reward(a, b, c):
    square = lambda x: x * x
    compose = lambda f, g: lambda x: f(g(x))
    total = compose(square, abs)(c)
    total += sum(map(square, a))
    total += max(b) - min(b) + max([abs(x) for x in a]) + min(a[0], b[1], c)
    total += any(x > 1.5 for x in a) + all(x < 1.9 for x in b)
    pairs = [(x, y) for x in a for y in b if True]
    total += sum(x * y for x, y in pairs) * 0.1
    ordered = sorted(a, reverse=True)
    total += ordered[0] - ordered[-1]
    table = {i: x for i, x in enumerate(b)}
    total += table[0] + (table[1] if 1 in table else 0)
    x, y, z = a
    (p, q), r = (x, y), z
    p, q = q, p
    first, *rest = [p, q, r]
    total += first + rest[0] * rest[-1]
    if (n := len(rest)) > 1:
        total += n
    total += (c > 0) * 1.0 + (c < 0) - (not c > 1) + True
    total += 5 if 0 < c < 1 else (2 if -1 < c <= 0 else 1)
    return total
