# fields: self.cubeA.pose.p[3], self.cubeB.pose.p[3], self.robot.ee_pose.p[3], self.robot.gripper_openness{0,1}, self.robot.check_grasp(self.cubeA){0,1}, self.cubeA.check_static(){0,1}, self.cubeA.velocity[3], action[7]{-1,1}
import numpy as np

def compute_dense_reward(self, action: np.ndarray) -> float:
    # Aliases for readability
    robot = self.robot
    cube, base = self.cubeA, self.cubeB
    ee_pos = robot.ee_pose.p
    offset = np.array([0.0, 0.0, 0.04])

    approach = np.exp(-4.0 * np.linalg.norm(ee_pos - cube.pose.p))
    goal_xyz = base.pose.p + offset
    place_error = np.linalg.norm(cube.pose.p - goal_xyz)
    is_grasped = robot.check_grasp(cube)
    reward = approach
    if is_grasped:
        reward = 2.0 + np.exp(-3.0 * place_error)
    if place_error < 0.8:
        reward += 1.0
        if not is_grasped and cube.check_static():
            reward += 3.0 * robot.gripper_openness
    speed_cost = 0.01 * np.linalg.norm(cube.velocity)
    effort = 0.001 * np.sum(action[:-1] ** 2)
    return float(reward - speed_cost - effort)
