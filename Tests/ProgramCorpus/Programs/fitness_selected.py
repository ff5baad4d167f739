# fields: contact[2]{0,1}, tilt, speed
# kind: fitness
import numpy as np

def fitness(contact, tilt, speed):
    both = (contact > 0.5).all(axis=1)
    flight = ~(contact > 0.5).any(axis=1)
    upright = np.abs(tilt) < 0.7
    fast_upright = speed[upright].sum() / max(upright.sum(), 1)
    switches = np.abs(np.diff(both.astype(int))).sum()
    score = np.where(flight & upright, speed, 0.0).mean()
    return score + 0.1 * fast_upright + 0.01 * switches + float(np.all(upright))
