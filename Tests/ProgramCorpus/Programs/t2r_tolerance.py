# fields: self.ee.position[3], self.obj.position[3], self.obj.init_position[3], self.goal[3], action[4]{-1,1}
import numpy as np

_EPS = 1e-6

def _sigmoid(x, value_at_1, kind):
    if kind == "gaussian":
        scale = np.sqrt(-2 * np.log(value_at_1))
        return np.exp(-0.5 * (x * scale) ** 2)
    elif kind == "long_tail":
        scale = np.sqrt(1 / value_at_1 - 1)
        return 1 / ((x * scale) ** 2 + 1)
    elif kind == "linear":
        scale = 1 - value_at_1
        scaled = x * scale
        return np.where(abs(scaled) < 1, 1 - scaled, 0.0)
    else:
        return 0.0

def tolerance(x, bounds=(0.0, 0.0), margin=0.0, sigmoid="gaussian", value_at_margin=0.1):
    lower, upper = bounds
    in_bounds = np.logical_and(lower <= x, x <= upper)
    if margin == 0:
        return np.where(in_bounds, 1.0, 0.0)
    d = np.where(x < lower, lower - x, x - upper) / margin
    return float(np.where(in_bounds, 1.0, _sigmoid(d, value_at_margin, sigmoid)))

def hamacher_product(a, b):
    denominator = a + b - a * b
    return a * b / denominator if denominator > 0 else 0.0

def compute_dense_reward(self, action):
    obj_to_goal = np.linalg.norm(self.obj.position - self.goal)
    start = np.linalg.norm(self.obj.init_position - self.goal)
    in_place = tolerance(obj_to_goal, bounds=(0, 0.05), margin=abs(start - 0.05) + _EPS, sigmoid="long_tail")
    reach = tolerance(np.linalg.norm(self.ee.position - self.obj.position), (0, 0.02), 0.9)
    speed = tolerance(np.abs(action[3]), (0.2, np.inf), 0.2, "linear", 0.0)
    reward = hamacher_product(in_place, reach)
    if obj_to_goal < 0.3:
        reward = 10.0
    return reward + 0.1 * speed
