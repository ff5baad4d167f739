# fields: ball_pos[3], ball_vel[3], table_tilt[2], actions[3]{-1,1}
import torch

def compute_reward(ball_pos, ball_vel, table_tilt, actions):
    center = torch.tensor([0.0, 0.0, 0.4])
    position_error = torch.norm(ball_pos - center, dim=-1)
    temperature_position, temperature_velocity = 0.6, 1.2
    reward_position = torch.exp(-position_error / temperature_position)
    reward_velocity = torch.exp(-ball_vel.norm(dim=-1) / temperature_velocity)
    penalty_tilt = table_tilt.abs().sum(dim=-1)
    penalty_action = actions.square().mean(dim=-1)
    total_reward = (reward_position + reward_velocity) / 2 - 0.1 * penalty_tilt - 0.01 * penalty_action
    return total_reward, {
        "position": reward_position,
        "velocity": reward_velocity,
        "tilt": -0.1 * penalty_tilt,
        "action": -0.01 * penalty_action,
    }
