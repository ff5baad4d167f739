# fields: obs[39], action[4]{-1,1}
import numpy as np

def compute_dense_reward(self, action, obs) -> float:
    gripper, handle, goal = obs[0:3], obs[4:7], obs[36:39]
    def reach(a, b): return np.linalg.norm(a - b)
    r = -reach(gripper, handle)
    reached = reach(gripper, handle) < 0.05
    opened = np.clip((goal - handle)[1], 0, None)
    r += float(reached) - opened
    r += {True: 1.0, False: 0.0}[False]
    return float(r)
