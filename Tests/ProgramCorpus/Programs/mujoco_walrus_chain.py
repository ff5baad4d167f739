# fields: pos[2], goal[2], heading{-3.1,3.1}, obstacles[3,2], speed{0,2}
import numpy as np

def compute_reward(pos, goal, heading, obstacles, speed):
    delta = goal - pos
    if (d := np.linalg.norm(delta)) < 0.3:
        return 10.0
    bearing = np.arctan2(delta[1], delta[0])
    error = (bearing - heading + np.pi) % (2 * np.pi) - np.pi
    gaps = [np.hypot(*(o - pos)) for o in obstacles]
    safe = all(g > 0.4 for g in gaps)
    closest = sorted(gaps)[0]
    slow_near = speed * np.exp(-closest)
    return -d + np.cos(error) * (0.5 if safe else 0.1) - 0.2 * slow_near
