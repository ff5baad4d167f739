# fields: error{0,4}, gains[4]{0,1}
def compute_reward(error, gains):
    level, reward, threshold = 0, 0.0, 2.0
    while level < 4:
        if error < threshold:
            reward += gains[level]
        threshold /= 2
        level += 1
    try_harder = error > 3
    del level
    return reward - (1 if try_harder else 0)
