# fields: px, py, pz{0,1}, qx, qy, qz{0,1}, grip{0,1}
def compute_reward(px, py, pz, qx, qy, qz, grip):
    distance = ((px - qx) ** 2
                + (py - qy) ** 2
                + (pz - qz) ** 2) ** 0.5
    above = pz - qz > 0.05 and \
        abs(px - qx) < 0.5 and \
        abs(py - qy) < 0.5
    reward = (
        -distance
        + (0.5 if above else 0.0)
        + (
            1.0
            if grip > 0.5 and distance < 1.0
            else 0.25
            if grip > 0.5
            else 0.0
        )
    )
    return reward
