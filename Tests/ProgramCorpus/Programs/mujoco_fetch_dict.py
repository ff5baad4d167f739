# fields: observation[25], achieved_goal[3], desired_goal[3], action[4]{-1,1}
import numpy as np

def goal_distance(goal_a, goal_b):
    assert goal_a.shape == goal_b.shape
    return np.linalg.norm(goal_a - goal_b, axis=-1)

def compute_reward(observation, achieved_goal, desired_goal, action, distance_threshold=0.5, reward_type="mixed"):
    d = goal_distance(achieved_goal, desired_goal)
    grip = observation[:3]
    if reward_type == "sparse":
        return -(d > distance_threshold).astype(np.float32)
    shaped = -d
    if reward_type == "mixed":
        shaped += -0.3 * goal_distance(grip, achieved_goal) + 1.0 * (d <= distance_threshold)
    return shaped - 0.01 * np.linalg.norm(action)
