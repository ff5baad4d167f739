/// Helpers that the environments of the Eureka and Text2Reward papers offer, written in the language itself.
///
/// Quaternions are (x, y, z, w), as in Isaac Gym; `transform_points` takes a 4×4 matrix, as in ManiSkill.
enum Prelude {
  static let source = """
    def quat_mul(a, b):
        x1, y1, z1, w1 = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
        x2, y2, z2, w2 = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
        return torch.stack([
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 + y1 * w2 + z1 * x2 - x1 * z2,
            w1 * z2 + z1 * w2 + x1 * y2 - y1 * x2,
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2], dim=-1)

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

    def transform_points(H, pts):
        return pts @ H[:3, :3].T + H[:3, 3]
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
