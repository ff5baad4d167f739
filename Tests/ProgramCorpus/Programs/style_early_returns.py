# fields: height{0,2}, angle, velocity
def compute_reward(height, angle, velocity):
    terms = {"alive": 1.0}
    if height < 0.3:
        return -1.0
    terms["speed"] = velocity
    for limit in (1.8, 1.5, 1.0):
        if abs(angle) > limit:
            return -limit
        terms["speed"] *= 0.9
    if not (0.5 <= height <= 1.5):
        terms["height"] = -abs(height - 1.0)
        return terms["alive"] + terms["height"]
    return terms["alive"] + terms["speed"]
