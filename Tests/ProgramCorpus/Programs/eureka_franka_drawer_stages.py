# fields: franka_grasp_pos[3], drawer_grasp_pos[3], franka_grasp_rot[4]{-1,1}, cabinet_dof_pos[4]{0,1}, franka_lfinger_pos[3], franka_rfinger_pos[3], actions[9]{-1,1}
import torch
from typing import Dict, Tuple

def compute_reward(franka_grasp_pos, drawer_grasp_pos, franka_grasp_rot, cabinet_dof_pos, franka_lfinger_pos, franka_rfinger_pos, actions):
    # type: (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor) -> Tuple[Tensor, Dict[str, Tensor]]
    d = torch.norm(franka_grasp_pos - drawer_grasp_pos, p=2, dim=-1)
    dist_reward = 1.0 / (1.0 + d ** 2)
    dist_reward *= dist_reward
    dist_reward = torch.where(d <= 0.02, dist_reward * 2, dist_reward)
    around_handle_reward = torch.zeros_like(dist_reward)
    around_handle_reward = torch.where(franka_lfinger_pos[:, 2] > drawer_grasp_pos[:, 2],
                                       torch.where(franka_rfinger_pos[:, 2] < drawer_grasp_pos[:, 2],
                                                   around_handle_reward + 0.5, around_handle_reward), around_handle_reward)
    open_amount = cabinet_dof_pos[:, 3]
    open_reward = open_amount * around_handle_reward + open_amount
    action_penalty = torch.sum(actions ** 2, dim=-1)
    bonus = torch.where(open_amount > 0.39, 1.0, 0.0)
    rewards = 2.0 * dist_reward + 7.5 * open_reward + bonus - 0.01 * action_penalty
    return rewards, {"dist": dist_reward, "around": around_handle_reward, "open": open_reward, "bonus": bonus}
