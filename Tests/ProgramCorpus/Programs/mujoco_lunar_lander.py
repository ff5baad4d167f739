# fields: x, y{0,2}, vx, vy, angle, angular_velocity, left_contact{0,1}, right_contact{0,1}, main_engine{0,1}
import numpy as np

def compute_reward(x, y, vx, vy, angle, angular_velocity, left_contact, right_contact, main_engine):
    left, right = left_contact > 0.5, right_contact > 0.5
    shaping = -100 * np.sqrt(x * x + y * y) - 100 * np.sqrt(vx * vx + vy * vy) - 100 * abs(angle)
    shaping += 10 * left + 10 * right
    fuel = 0.30 if main_engine > 0.5 else 0.03
    landed = left and right and abs(vy) < 0.5 and abs(vx) < 0.5
    crashed = not (left or right) and y < 0.1
    outcome = 100 if landed else (-100 if crashed else 0)
    return {"shaping": shaping}["shaping"] / 100 - fuel + outcome / 100
