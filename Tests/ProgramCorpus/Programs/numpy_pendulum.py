# fields: angle{-3,3}, angular_velocity{-8,8}, torque{-2,2}, tip_height{-1,1}
import numpy as np
from math import pi, cos

def angle_normalize(x):
    return ((x + np.pi) % (2 * np.pi)) - np.pi

def compute_reward(angle, angular_velocity, torque, tip_height):
    th = angle_normalize(angle)
    costs = th ** 2 + 0.1 * angular_velocity ** 2 + 0.001 * (torque ** 2)
    swing = 0.5 * (1 + cos(angle)) * min(abs(angular_velocity), 2.0) / 2.0 if tip_height < 0 else 1 - abs(th) / pi
    return -costs / 16.0 + swing
