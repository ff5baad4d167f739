# fields: progress{0,1}, contact{0,1}, speed

def compute_reward(progress, contact, speed):
    reward = 0
    match_bonus = 3
    if contact: reward += match_bonus
    reward += progress if not contact else 2 * progress
    speed_penalty = 0.1 * speed * speed if abs(speed) > 1 else 0
    return reward - speed_penalty
