# fields: keypoints_plug[4,3], keypoints_socket[4,3], plug_quat[4]{-1,1}, socket_quat[4]{-1,1}, actions[6]{-1,1}
import torch
from typing import Dict, Tuple

def compute_reward(keypoints_plug: torch.Tensor, keypoints_socket: torch.Tensor, plug_quat: torch.Tensor, socket_quat: torch.Tensor, actions: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    keypoint_dist = torch.sum(torch.norm(keypoints_socket - keypoints_plug, p=2, dim=-1), dim=-1)
    coarse = 1.0 / (torch.exp(0.5 * keypoint_dist) + torch.exp(-0.5 * keypoint_dist))
    fine = torch.exp(-torch.square(keypoint_dist / 4.0))
    per_axis = (keypoints_socket - keypoints_plug).abs().mean(dim=1)
    lateral = torch.amax(per_axis[:, :2], dim=-1)
    engaged = torch.logical_and(lateral < 0.8, per_axis[..., 2] < 1.0)
    a = plug_quat / plug_quat.norm(dim=-1, keepdim=True)
    b = socket_quat / socket_quat.norm(dim=-1, keepdim=True)
    tilt = torch.minimum((a - b).norm(dim=-1), (a + b).norm(dim=-1))
    total = coarse + fine + engaged * 1.0 - 0.1 * tilt - 0.01 * actions.norm(p=2, dim=-1)
    return total, {"coarse": coarse, "fine": fine, "engaged": engaged * 1.0, "tilt": tilt}
