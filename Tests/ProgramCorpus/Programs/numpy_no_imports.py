# fields: x, y, obs[4]
def reward(x, y, obs):
    if x > 0 and y > 0:
        r = x * y
    elif x > 0 or y < -1:
        r = abs(x) + max(x, y, 0.1)
    else:
        r = min(x, y) ** 2
    for v in obs:
        if v < -1.5:
            continue
        if v > 1.5:
            break
        r += 0.1 * v
    r += sum(o * o for o in obs) + len(obs)
    return r if r < 10 else 10 - 0.1 * (r - 10)
