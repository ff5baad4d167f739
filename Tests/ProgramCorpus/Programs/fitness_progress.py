# fields: x_position, x_velocity, energy{0,1}, fallen{0,1}
# kind: fitness
import numpy as np

def compute_fitness(x_position, x_velocity, energy, fallen):
    travelled = x_position[-1] - x_position[0]
    cost = np.cumsum(energy)[-1]
    smooth = np.abs(np.diff(x_velocity)).mean()
    standing = 1.0 - (fallen > 0.5).astype(float)
    alive = np.cumprod(standing).sum() / len(standing)
    return travelled * alive - 0.01 * cost - 0.1 * smooth + 0.1 * np.median(x_velocity)
