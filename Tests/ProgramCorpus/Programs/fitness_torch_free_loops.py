# fields: joint_angles[4], foot_contact[4]{0,1}, base_height{0.2,0.5}
# kind: fitness
import numpy as np

def fitness(joint_angles, foot_contact, base_height):
    score = 0.0
    for leg in range(4):
        contact = foot_contact[:, leg] > 0.5
        duty = contact.mean()
        score -= abs(duty - 0.6)
        swing = np.ptp(joint_angles[:, leg])
        score += 0.1 * min(swing, 1.0)
    steady = 1.0 - np.clip(np.std(base_height) / 0.1, 0, 1)
    n = base_height.shape[0]
    above = sum(base_height > 0.3) / n
    return score / 4 + steady + above
