/// Helpers that the environments of the Eureka and Text2Reward papers offer, written in the language itself.
enum Prelude {
  static let source = isaacGym + maniSkill + rotations

  /// Isaac Gym's: quaternions are (x, y, z, w). The products are taken in its order, so that single precision rounds
  /// in the same way.
  private static let isaacGym = """
    def quat_mul(a, b):
        x1, y1, z1, w1 = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
        x2, y2, z2, w2 = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
        ww = (z1 + x1) * (x2 + y2)
        yy = (w1 - y1) * (w2 + z2)
        zz = (w1 + y1) * (w2 - z2)
        xx = ww + yy + zz
        qq = 0.5 * (xx + (z1 - x1) * (x2 - y2))
        w = qq - ww + (z1 - y1) * (y2 - z2)
        x = qq - xx + (x1 + w1) * (x2 + w2)
        y = qq - yy + (w1 - x1) * (y2 + z2)
        z = qq - zz + (z1 + y1) * (w2 - x2)
        return torch.stack([x, y, z, w], dim=-1)

    def quat_conjugate(a):
        return torch.cat([-a[..., :3], a[..., 3:]], dim=-1)

    def quat_unit(a):
        return normalize(a)

    def quat_apply(a, b):
        xyz = a[..., :3]
        t = torch.cross(xyz, b, dim=-1) * 2
        return b + a[..., 3:] * t + torch.cross(xyz, t, dim=-1)

    def quat_rotate(q, v):
        w, xyz = q[..., 3:], q[..., :3]
        a = v * (2.0 * w ** 2 - 1.0)
        b = torch.cross(xyz, v, dim=-1) * w * 2.0
        c = xyz * (xyz * v).sum(dim=-1, keepdim=True) * 2.0
        return a + b + c

    def quat_rotate_inverse(q, v):
        w, xyz = q[..., 3:], q[..., :3]
        a = v * (2.0 * w ** 2 - 1.0)
        b = torch.cross(xyz, v, dim=-1) * w * 2.0
        c = xyz * (xyz * v).sum(dim=-1, keepdim=True) * 2.0
        return a - b + c

    def quat_from_angle_axis(angle, axis):
        theta = (angle / 2).unsqueeze(-1)
        xyz = normalize(axis) * theta.sin()
        w = theta.cos()
        return quat_unit(torch.cat([xyz, w], dim=-1))

    def quat_diff_rad(a, b):
        difference = quat_mul(a, quat_conjugate(b))
        return 2.0 * torch.asin(torch.clamp(torch.norm(difference[..., 0:3], p=2, dim=-1), max=1.0))

    def quat_inverse(a):
        return quat_conjugate(a)

    def my_quat_rotate(q, v):
        return quat_rotate(q, v)

    def get_basis_vector(q, v):
        return quat_rotate(q, v)

    def tf_apply(q, t, v):
        return quat_apply(q, v) + t

    def tf_vector(q, v):
        return quat_apply(q, v)

    def tf_combine(q1, t1, q2, t2):
        return quat_mul(q1, q2), quat_apply(q1, t2) + t1

    def tf_inverse(q, t):
        inverse = quat_conjugate(q)
        return inverse, -quat_apply(inverse, t)

    def get_euler_xyz(q):
        qx, qy, qz, qw = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
        roll = torch.atan2(2.0 * (qw * qx + qy * qz), qw * qw - qx * qx - qy * qy + qz * qz)
        sinp = 2.0 * (qw * qy - qz * qx)
        quarter = torch.where(sinp < 0, -torch.ones_like(sinp), torch.ones_like(sinp)) * (math.pi / 2.0)
        pitch = torch.where(torch.abs(sinp) >= 1, quarter, torch.asin(torch.clamp(sinp, -1.0, 1.0)))
        yaw = torch.atan2(2.0 * (qw * qz + qx * qy), qw * qw + qx * qx - qy * qy - qz * qz)
        return roll % (2 * math.pi), pitch % (2 * math.pi), yaw % (2 * math.pi)

    def quat_from_euler_xyz(roll, pitch, yaw):
        cy, sy = torch.cos(yaw * 0.5), torch.sin(yaw * 0.5)
        cr, sr = torch.cos(roll * 0.5), torch.sin(roll * 0.5)
        cp, sp = torch.cos(pitch * 0.5), torch.sin(pitch * 0.5)
        qw = cy * cr * cp + sy * sr * sp
        qx = cy * sr * cp - sy * cr * sp
        qy = cy * cr * sp + sy * sr * cp
        qz = sy * cr * cp - cy * sr * sp
        return torch.stack([qx, qy, qz, qw], dim=-1)

    def wrap_to_pi(angles):
        angles = angles % (2 * math.pi)
        return angles - 2 * math.pi * (angles > math.pi)

    def quat_axis(q, axis=0):
        basis = torch.zeros(q.shape[0], 3)
        basis[:, axis] = 1
        return quat_rotate(q, basis)

    def normalize_angle(x):
        return torch.atan2(torch.sin(x), torch.cos(x))

    def to_torch(x, dtype=None, device=None, requires_grad=False):
        return torch.tensor(x)

    def normalize(x, eps=1e-9):
        return x / x.norm(p=2, dim=-1).clamp(min=eps, max=None).unsqueeze(-1)

    def tensor_clamp(t, min_t, max_t):
        return torch.max(torch.min(t, max_t), min_t)

    def scale(x, lower, upper):
        return 0.5 * (x + 1.0) * (upper - lower) + lower

    def unscale(x, lower, upper):
        return (2.0 * x - upper - lower) / (upper - lower)


    """

  /// ManiSkill's: `transform_points`, and SAPIEN's poses, whose quaternions are (w, x, y, z).
  private static let maniSkill = """
    def transform_points(H, pts):
        return pts @ H[:3, :3].T + H[:3, 3]

    def _Pose_inv(a):
        q = qconjugate(a.q) / qnorm(a.q)
        return Pose(-rotate_vector(a.p, q), q)

    def _Pose_mul(a, b):
        q = a.q / qnorm(a.q)
        return Pose(a.p + rotate_vector(b.p, q), qmult(q, b.q / qnorm(b.q)))

    def _Pose_transform(a, b):
        return _Pose_mul(a, b)

    def _Pose_to_transformation_matrix(a):
        m = np.eye(4)
        m[:3, :3] = quat2mat(a.q)
        m[:3, 3] = a.p
        return m

    """

  /// transforms3d's quaternions (w, x, y, z), and SciPy's `Rotation`, whose quaternion is (x, y, z, w).
  private static let rotations = """
    def qmult(q1, q2):
        w1, x1, y1, z1 = q1
        w2, x2, y2, z2 = q2
        return np.array([
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2, w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 + y1 * w2 + z1 * x2 - x1 * z2, w1 * z2 + z1 * w2 + x1 * y2 - y1 * x2])

    def qconjugate(q):
        return np.array(q) * np.array([1.0, -1.0, -1.0, -1.0])

    def qnorm(q):
        return np.sqrt(np.dot(q, q))

    def qinverse(q):
        return qconjugate(q) / np.dot(q, q)

    def rotate_vector(v, q, is_normalized=True):
        rotated = qmult(q, qmult(np.concatenate([[0.0], v]), qconjugate(q) if is_normalized else qinverse(q)))
        return rotated[1:]

    def quat2mat(q):
        w, x, y, z = q
        s = 2.0 / (w * w + x * x + y * y + z * z)
        return np.array([
            [1.0 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
            [s * (x * y + w * z), 1.0 - s * (x * x + z * z), s * (y * z - w * x)],
            [s * (x * z - w * y), s * (y * z + w * x), 1.0 - s * (x * x + y * y)]])

    def mat2quat(M):
        q = _matrix_quaternion(M)
        q = q * np.where(q[3] < 0, -1.0, 1.0)
        return np.array([q[3], q[0], q[1], q[2]])

    def quat2axangle(quat, identity_thresh=None):
        w, x, y, z = quat
        n = np.sqrt(w * w + x * x + y * y + z * z)
        w, x, y, z = w / n, x / n, y / n, z / n
        size = np.sqrt(x * x + y * y + z * z)
        if size < 6.7e-16:
            return np.array([1.0, 0.0, 0.0]), 0.0
        return np.array([x, y, z]) / size, 2 * np.arccos(np.clip(w, -1.0, 1.0))

    def axangle2quat(vector, theta, is_normalized=False):
        v = np.array(vector)
        if not is_normalized:
            v = v / np.sqrt(np.dot(v, v))
        return np.concatenate([[np.cos(theta / 2.0)], v * np.sin(theta / 2.0)])

    def axangle2mat(axis, angle, is_normalized=False):
        return quat2mat(axangle2quat(axis, angle, is_normalized))

    def mat2euler(mat, axes="sxyz"):
        assert axes == "sxyz"
        cy = np.sqrt(mat[0, 0] * mat[0, 0] + mat[1, 0] * mat[1, 0])
        if cy > 8.9e-16:
            return np.arctan2(mat[2, 1], mat[2, 2]), np.arctan2(-mat[2, 0], cy), np.arctan2(mat[1, 0], mat[0, 0])
        return np.arctan2(-mat[1, 2], mat[1, 1]), np.arctan2(-mat[2, 0], cy), 0.0

    def quat2euler(quaternion, axes="sxyz"):
        return mat2euler(quat2mat(quaternion), axes)

    def euler2quat(ai, aj, ak, axes="sxyz"):
        ci, si = np.cos(ai / 2.0), np.sin(ai / 2.0)
        cj, sj = np.cos(aj / 2.0), np.sin(aj / 2.0)
        ck, sk = np.cos(ak / 2.0), np.sin(ak / 2.0)
        return np.array([
            cj * ci * ck + sj * si * sk, cj * si * ck - sj * ci * sk, cj * si * sk + sj * ci * ck,
            cj * ci * sk - sj * si * ck])

    def euler2mat(ai, aj, ak, axes="sxyz"):
        return quat2mat(euler2quat(ai, aj, ak, axes))

    def _matrix_quaternion(m):
        m = np.array(m)
        trace = m[0, 0] + m[1, 1] + m[2, 2]
        q3 = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], 1 + trace])
        q0 = np.array([1 - trace + 2 * m[0, 0], m[1, 0] + m[0, 1], m[2, 0] + m[0, 2], m[2, 1] - m[1, 2]])
        q1 = np.array([m[0, 1] + m[1, 0], 1 - trace + 2 * m[1, 1], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]])
        q2 = np.array([m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], 1 - trace + 2 * m[2, 2], m[1, 0] - m[0, 1]])
        largest = max(m[0, 0], m[1, 1], m[2, 2], trace)
        q = np.where(largest == m[0, 0], q0, np.where(largest == m[1, 1], q1, np.where(largest == m[2, 2], q2, q3)))
        return q / np.sqrt(np.dot(q, q))

    def _Rotation_from_quat(quat):
        q = np.array(quat)
        return Rotation(q / np.sqrt(np.dot(q, q)))

    def _Rotation_from_matrix(matrix):
        return Rotation(_matrix_quaternion(matrix))

    def _Rotation_from_rotvec(rotvec):
        v = np.array(rotvec)
        angle = np.sqrt(np.dot(v, v))
        scale = np.where(angle <= 1e-3, 0.5 - angle ** 2 / 48, np.sin(angle / 2) / np.maximum(angle, 1e-3))
        return Rotation(np.concatenate([v * scale, [np.cos(angle / 2)]]))

    def _Rotation_from_euler(seq, angles, degrees=False):
        angles = np.atleast_1d(angles)
        if degrees:
            angles = np.deg2rad(angles)
        result = Rotation([0.0, 0.0, 0.0, 1.0])
        for i, letter in enumerate(seq):
            axis = np.zeros(3)
            axis["xyz".index(letter.lower())] = 1.0
            step = Rotation(np.concatenate([axis * np.sin(angles[i] / 2), [np.cos(angles[i] / 2)]]))
            result = step * result if seq == seq.lower() else result * step
        return result

    def _Rotation_as_quat(r):
        return r.quaternion

    def _Rotation_as_matrix(r):
        x, y, z, w = r.quaternion
        return quat2mat(np.array([w, x, y, z]))

    def _Rotation_inv(r):
        return Rotation(r.quaternion * np.array([-1.0, -1.0, -1.0, 1.0]))

    def _Rotation_mul(a, b):
        x1, y1, z1, w1 = a.quaternion
        x2, y2, z2, w2 = b.quaternion
        w, x, y, z = qmult(np.array([w1, x1, y1, z1]), np.array([w2, x2, y2, z2]))
        return Rotation(np.array([x, y, z, w]))

    def _Rotation_apply(r, vectors):
        return np.array(vectors) @ _Rotation_as_matrix(r).T

    def _Rotation_magnitude(r):
        x, y, z, w = r.quaternion
        return 2 * np.arctan2(np.sqrt(x * x + y * y + z * z), abs(w))

    def _Rotation_as_rotvec(r):
        q = r.quaternion * np.where(r.quaternion[3] < 0, -1.0, 1.0)
        angle = 2 * np.arctan2(np.sqrt(np.dot(q[:3], q[:3])), q[3])
        scale = np.where(angle <= 1e-3, 2 + angle ** 2 / 12, angle / np.maximum(np.sin(angle / 2), 1e-4))
        return q[:3] * scale

    def _Rotation_as_euler(r, seq, degrees=False):
        m = _Rotation_as_matrix(r)
        assert seq in ("xyz", "ZYX", "zyx", "XYZ")
        if seq == "xyz" or seq == "ZYX":
            first = np.arctan2(m[2, 1], m[2, 2])
            second = np.arctan2(-m[2, 0], np.sqrt(m[0, 0] ** 2 + m[1, 0] ** 2))
            third = np.arctan2(m[1, 0], m[0, 0])
        else:
            first = np.arctan2(-m[1, 2], m[2, 2])
            second = np.arctan2(m[0, 2], np.sqrt(m[0, 0] ** 2 + m[0, 1] ** 2))
            third = np.arctan2(-m[0, 1], m[0, 0])
        angles = np.array([first, second, third] if seq == "xyz" or seq == "XYZ" else [third, second, first])
        return np.rad2deg(angles) if degrees else angles
    """

  /// By name.
  static let functions: [String: FunctionDefinition] = {
    var log = DiagnosticLog(source: SourceText(source))
    var result: [String: FunctionDefinition] = [:]
    for statement in Parser.parse(&log) {
      if case .function(let definition) = statement.kind { result[definition.name] = definition }
    }
    return result
  }()
}

extension Elaborator {
  /// A helper of the prelude as a value; its errors are reported where it is called.
  func preludeFunction(_ name: String) -> Value? {
    if let known = prelude[name] { return known }
    guard let definition = Prelude.functions[name] else { return nil }
    var defaults: [String: Value] = [:]
    for parameter in definition.parameters {
      if let value = parameter.defaultValue { defaults[parameter.name] = evaluate(value) }
    }
    let closure = Closure(
      name: name, parameters: definition.parameters, body: .block(definition.body), frame: preludeFrame,
      defaults: defaults, span: .none)
    prelude[name] = .function(closure)
    return prelude[name]
  }
}
