# fields: self.tcp.position[3], self.peg.position[3], self.hole.position[3], self.grasped{0,1}, action[6]{-1,1}
import numpy as np

def compute_dense_reward(self, action):
    d_reach = np.linalg.norm(self.tcp.position - self.peg.position)
    terms = {"reach": 1 - np.tanh(3 * d_reach)}
    if self.grasped < 0.5:
        return terms["reach"], terms
    d_hole = np.linalg.norm(self.peg.position - self.hole.position)
    terms["carry"] = 2 * (1 - np.tanh(d_hole))
    if d_hole < 1.0:
        terms["insert"] = 1.0 + np.exp(-d_hole)
        return sum(terms.values()), terms
    terms["effort"] = -0.01 * np.sum(action ** 2)
    return terms["reach"] + terms["carry"] + terms["effort"], terms
