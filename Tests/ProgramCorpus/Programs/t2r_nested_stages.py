# fields: self.robot.ee_pose.p[3], self.door.handle_position[3], self.door.handle_angle{0,1}, self.door.hinge_angle{0,1.6}, self.robot.gripper_openness{0,1}, self.robot.qvel[7], action[8]{-1,1}
import numpy as np

def compute_dense_reward(self, action: np.ndarray) -> float:
    reward, stage = 0.0, 0
    d = np.linalg.norm(self.robot.ee_pose.p - self.door.handle_position)
    if d > 2.0:
        reward = -d
    elif d > 1.0:
        stage, reward = 1, -0.5 * d
    else:
        stage = 2
        reward = 0.5
        if self.robot.gripper_openness < 0.5:
            stage = 3
            reward += 0.5
            turn = self.door.handle_angle / 0.8
            reward += min(turn, 1.0)
            if turn >= 0.9:
                stage += 1
                swing = np.clip(self.door.hinge_angle / (np.pi / 2), 0.0, 1.0)
                reward += 3.0 * swing ** 0.5
                if swing > 0.8:
                    return 10.0
        else:
            reward -= 0.1 * self.robot.gripper_openness
    penalty = 0.005 * np.linalg.norm(self.robot.qvel) + 0.002 * np.linalg.norm(action)
    return reward + 0.1 * stage - penalty
