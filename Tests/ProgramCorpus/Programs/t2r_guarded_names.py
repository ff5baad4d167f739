# fields: self.robot.ee_pose.p[3], self.cube.pose.p[3], self.shelf.pose.p[3], self.robot.check_grasp(self.cube){0,1}, action[4]{-1,1}
import numpy as np

def lift_bonus(held, height):
    # The name is bound on the path on which it is read.
    if held:
        ratio = np.clip(height / 0.2, 0.0, 1.0)
    return 2.0 * ratio if held else 0.0

def compute_dense_reward(self, action):
    held = self.robot.check_grasp(self.cube)
    gap = np.linalg.norm(self.cube.pose.p - self.robot.ee_pose.p)
    reward = -gap
    if held:
        height = self.cube.pose.p[2]
        offset = self.shelf.pose.p - self.cube.pose.p
        visited = [height]
        visited.append(np.linalg.norm(offset[:2]))
    if held and height > 0.1:
        reward += 0.5
    if not held or visited[1] > 1.5:
        reward -= 0.25
    reward += lift_bonus(held, self.cube.pose.p[2])
    if gap < 1.5:
        near = 1.5 - gap
        if held:
            carried = near * height
    if held and gap < 1.5:
        reward += 0.1 * carried
    if gap < 0.75:
        reward += near
    return reward - 0.01 * np.sum(np.square(action))
