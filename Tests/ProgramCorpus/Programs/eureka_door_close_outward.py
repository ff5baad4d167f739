# fields: door_left_handle_pos[3], door_right_handle_pos[3], left_hand_pos[3], right_hand_pos[3], left_hand_thumb_pos[3], right_hand_thumb_pos[3], actions[52]{-1,1}
import torch
from typing import Dict, Tuple

def compute_reward(door_left_handle_pos: torch.Tensor, door_right_handle_pos: torch.Tensor,
                   left_hand_pos: torch.Tensor, right_hand_pos: torch.Tensor,
                   left_hand_thumb_pos: torch.Tensor, right_hand_thumb_pos: torch.Tensor,
                   actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    hands = torch.stack((left_hand_pos, right_hand_pos), dim=1)
    thumbs = torch.stack((left_hand_thumb_pos, right_hand_thumb_pos), dim=1)
    handles = torch.stack((door_left_handle_pos, door_right_handle_pos), dim=1)
    hand_dist = torch.norm(hands - handles, dim=-1)
    thumb_dist = torch.norm(thumbs - handles, dim=-1)
    max_hand = torch.max(hand_dist, dim=1).values
    sum_thumb = thumb_dist.sum(1)
    distance_reward = torch.exp(-0.8 * max_hand) * torch.exp(-0.2 * sum_thumb)
    opening = torch.linalg.norm(door_left_handle_pos - door_right_handle_pos, dim=-1)
    closing_reward = torch.where(opening < 0.5, torch.full_like(opening, 3.0), torch.exp(-opening))
    action_cost = 0.001 * torch.einsum("ij,ij->i", actions, actions)
    total_reward = distance_reward + closing_reward - action_cost
    components = dict()
    components["distance"] = distance_reward
    components["closing"] = closing_reward
    components["action"] = -action_cost
    return total_reward, components
