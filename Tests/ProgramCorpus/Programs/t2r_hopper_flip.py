# fields: self.hopper.top.angular_velocity, self.hopper.top.z{0.5,2}, self.hopper.top.angle, self.hopper.thigh_joint.angular_velocity, self.hopper.foot_joint.angular_velocity, action[3]{-1,1}
def compute_dense_reward(self, action):
    lambda_flip, lambda_height, lambda_torque = 1.0, 0.5, 1e-3
    flip = -self.hopper.top.angular_velocity * lambda_flip
    height = lambda_height * max(0, self.hopper.top.z - 0.7)
    joints = [self.hopper.thigh_joint, self.hopper.foot_joint]
    spin_cost = sum(joint.angular_velocity ** 2 for joint in joints) * 1e-3
    torque = lambda_torque * (action ** 2).sum()
    return flip + height - torque - spin_cost
