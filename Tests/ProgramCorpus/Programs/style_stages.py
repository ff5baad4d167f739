# fields: gripper[3], cube[3], goal[3], holding{0,1}, gripper_width{0,0.08}
import numpy as np

REACH, GRASP, LIFT, PLACE = range(4)

def stage_of(gripper, cube, goal, holding):
    if np.linalg.norm(gripper - cube) > 1.5:
        return REACH
    if not holding > 0.5:
        return GRASP
    if cube[2] < 0.0:
        return LIFT
    return PLACE

def compute_reward(gripper, cube, goal, holding, gripper_width):
    stage = stage_of(gripper, cube, goal, holding)
    if stage == REACH:
        reward = -np.linalg.norm(gripper - cube)
    elif stage == GRASP:
        reward = 1.0 - 10 * gripper_width
    elif stage == LIFT:
        reward = 2.0 + np.tanh(cube[2])
    else:
        reward = 3.0 + np.exp(-np.linalg.norm(cube - goal))
    bonuses = [0.0, 0.5, 1.0, 1.5]
    return reward + bonuses[stage]
