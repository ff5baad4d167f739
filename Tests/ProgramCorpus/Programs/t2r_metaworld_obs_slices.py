# fields: obs[39], self.env._get_pos_goal()[3], action[4]{-1,1}
import numpy as np

def compute_dense_reward(self, action: np.ndarray, obs) -> float:
    """Dense reward for pushing a button."""
    hand, button = obs[:3], obs[4:7]
    gripper = obs[3]
    target = self.env._get_pos_goal()
    reach = np.linalg.norm(hand - button)
    press = abs(target[1] - button[1])
    reward_reach = 1.0 / (1.0 + 10.0 * reach)
    reward_press = np.exp(-3.0 * press)
    reached_exactly = float(hand[1] == target[1])
    in_place = np.all(np.abs(button - target) < 0.8)
    return 0.4 * reward_reach + 0.6 * reward_press + 2.0 * in_place + reached_exactly - 0.01 * gripper ** 2 - 0.02 * np.sum(np.abs(action))
