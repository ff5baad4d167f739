# fields: self.tcp.pose.p[3], self.cubeA.pose.p[3], check_actor_static(self.cubeA){0,1}, is_above(self.cubeA, self.table){0,1}
import numpy as np
from mani_skill2.utils.sapien_utils import check_actor_static

def compute_dense_reward(self, action):
    cube = self.cubeA
    reward = -sdist.euclidean(self.tcp.pose.p, cube.pose.p)
    if check_actor_static(cube):
        reward += 1.0
    if is_above(self.cubeA, self.table) and not check_actor_static(self.cubeA):
        reward += 0.5
    return reward
