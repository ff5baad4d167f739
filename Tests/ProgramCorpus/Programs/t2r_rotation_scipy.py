# fields: self.handle.orientation[4]{0.1,1}, self.target_orientation[4]{0.1,1}, self.tool.rotation_matrix_z{-1,1}, action[6]{-1,1}
import numpy as np
from scipy.spatial.transform import Rotation as R

def compute_dense_reward(self, action):
    current = R.from_quat(self.handle.orientation)
    target = R.from_quat(self.target_orientation)
    difference = target.inv() * current
    angle = difference.magnitude()
    tool_axis = current.apply([0, 0, 1])
    roll, pitch, yaw = current.as_euler('xyz')
    spin = R.from_euler('z', 0.3) * current
    rotvec = spin.as_rotvec()
    m = current.as_matrix()
    return -angle + 0.2 * tool_axis[2] + 0.1 * np.cos(roll) * np.cos(pitch) * np.sin(yaw) + 0.05 * np.linalg.norm(rotvec) + m[0, 0] - 0.01 * np.linalg.norm(action)
