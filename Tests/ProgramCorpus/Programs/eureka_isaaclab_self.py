# fields: self.robot.data.root_pos_w[3], self.robot.data.root_lin_vel_b[3], self.robot.data.projected_gravity_b[3]{-1,1}, self.actions[12]{-1,1}, self.previous_actions[12]{-1,1}, self.commands[3]{-1,1}
import torch

def _get_rewards_eureka(self) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    velocity = self.robot.data.root_lin_vel_b
    gravity = self.robot.data.projected_gravity_b
    tracking_error = torch.sum(torch.square(self.commands[:, :2] - velocity[:, :2]), dim=1)
    tracking = torch.exp(-tracking_error / 0.25)
    flat = -torch.sum(torch.square(gravity[:, :2]), dim=1)
    rate = -torch.sum(torch.square(self.actions - self.previous_actions), dim=1)
    bounce = -torch.square(velocity[:, 2])
    height = self.robot.data.root_pos_w[:, 2]
    total = 1.5 * tracking + 2.5 * flat + 0.01 * rate + 0.1 * bounce + 0.0 * height
    return total, {"tracking": tracking, "flat": flat, "rate": rate, "bounce": bounce}
