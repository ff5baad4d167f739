# fields: franka_grasp_pos[3], drawer_grasp_pos[3], franka_grasp_rot[4], drawer_grasp_rot[4], cabinet_dof_pos[4], franka_lfinger_pos[3], franka_rfinger_pos[3], actions[9]{-1,1}, franka_forward_axis[3], drawer_inward_axis[3]
import torch

def compute_reward(franka_grasp_pos, drawer_grasp_pos, cabinet_dof_pos, franka_lfinger_pos, franka_rfinger_pos, actions, franka_forward_axis, drawer_inward_axis):
    d = torch.norm(franka_grasp_pos - drawer_grasp_pos, p=2, dim=-1)
    dist_reward = 1.0 / (1.0 + d ** 2)
    dist_reward *= dist_reward
    dist_reward = torch.where(d <= 2.0, dist_reward * 2, dist_reward)
    dot1 = torch.bmm(franka_forward_axis.view(-1, 1, 3), drawer_inward_axis.view(-1, 3, 1)).squeeze(-1).squeeze(-1)
    rot_reward = 0.5 * (torch.sign(dot1) * dot1 ** 2)
    around = torch.zeros_like(rot_reward)
    around = torch.where(franka_lfinger_pos[:, 2] > drawer_grasp_pos[:, 2],
                         torch.where(franka_rfinger_pos[:, 2] < drawer_grasp_pos[:, 2], around + 0.5, around), around)
    lfinger = torch.abs(franka_lfinger_pos[:, 2] - drawer_grasp_pos[:, 2])
    finger_reward = torch.where(around > 0, 0.04 - lfinger, torch.zeros_like(lfinger))
    open_reward = cabinet_dof_pos[:, 3] * around + cabinet_dof_pos[:, 3]
    action_penalty = torch.sum(actions ** 2, dim=-1)
    rewards = 2.0 * dist_reward + 0.5 * rot_reward + 10 * finger_reward + 7.5 * open_reward - 0.01 * action_penalty
    rewards = torch.where(cabinet_dof_pos[:, 3] > 0.01, rewards + 0.5, rewards)
    return rewards, dict(dist=dist_reward, rot=rot_reward, around=around, opened=open_reward, effort=action_penalty)
