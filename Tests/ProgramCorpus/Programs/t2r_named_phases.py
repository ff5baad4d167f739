# fields: self.ee.pos[3], self.obj.pos[3], self.goal.pos[3], self.gripper{0,1}, action[4]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    reach_w, place_w = 0.4, 0.6
    obj = self.obj
    to_obj = np.linalg.norm(self.ee.pos - obj.pos, ord=2)
    to_goal = np.sqrt(np.sum(np.power(obj.pos - self.goal.pos, 2)))
    phase = "reach" if to_obj > 0.5 else "place"
    if phase == "reach":
        r = reach_w * (1 - np.tanh(to_obj))
    elif phase == "place":
        r = reach_w + place_w * (1 - np.tanh(to_goal))
    else:
        r = 0
    return r
