import Basics
import Foundation
import RewardPrograms
import Schemas
import TestSupport

/// A program of the corpus: a Python file whose first comments say what it reads.
///
///     # fields: obs[11], action[3], x_velocity(-2,2)
///     # kind: fitness
///
/// A field may give its shape and the range that its random values are drawn from (−2 to 2 otherwise).
public struct CorpusProgram: Sendable {
  public let name: String
  public let source: String
  public let fields: [Field]
  public let kind: RewardProgram.Kind

  public var schema: Schema { Schema(environment: "corpus", fields: fields) }

  /// Where the programs lie.
  public static let folder: URL? = Bundle.module.url(forResource: "Programs", withExtension: nil)

  public static let all: [CorpusProgram] = {
    guard let folder,
      let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    else { return [] }
    return files.filter { $0.pathExtension == "py" }.sorted { $0.path < $1.path }.compactMap { file in
      guard let source = try? String(contentsOf: file, encoding: .utf8) else { return nil }
      return CorpusProgram(name: file.deletingPathExtension().lastPathComponent, source: source)
    }
  }()

  public init(name: String, source: String) {
    self.name = name
    self.source = source
    var fields: [Field] = []
    var kind = RewardProgram.Kind.reward
    for line in source.split(separator: "\n").prefix(6) {
      if line.hasPrefix("# fields:") {
        fields = Self.split(String(line.dropFirst("# fields:".count))).map(Self.field)
      }
      if line.hasPrefix("# kind: fitness") { kind = .fitness }
    }
    self.fields = fields
    self.kind = kind
  }

  /// At commas outside brackets.
  private static func split(_ text: String) -> [String] {
    var parts = [""]
    var level = 0
    for character in text {
      if "([{".contains(character) { level += 1 }
      if ")]}".contains(character) { level -= 1 }
      if character == ",", level == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  /// `name[shape]{low,high}`.
  private static func field(_ text: String) -> Field {
    var name = text
    var shape: [Int] = []
    var range = (-2.0, 2.0)
    if name.hasSuffix("}"), let open = name.lastIndex(of: "{") {
      let bounds = name[name.index(after: open)...].dropLast().split(separator: ",")
        .compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }
      range = (bounds[0], bounds[1])
      name = String(name[..<open])
    }
    if name.hasSuffix("]"), !name.hasSuffix("\"]"), let open = name.lastIndex(of: "[") {
      shape = name[name.index(after: open)...].dropLast().split(separator: ",")
        .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
      name = String(name[..<open])
    }
    return Field(name, shape: shape, low: range.0, high: range.1, meaning: "")
  }

  /// Random rows within the fields' ranges.
  public func randomInputs(rows: Int, seed: UInt64) -> [String: NestedArray] {
    var generator = RandomGenerator(seed: seed)
    var inputs: [String: NestedArray] = [:]
    for field in fields {
      let values = (0..<(rows * field.width)).map { _ in
        // Single precision, so that both sides start from the same numbers.
        Double(Float(generator.uniform(field.low, field.high)))
      }
      inputs[field.name] = NestedArray(shape: [rows] + field.shape, values: values)
    }
    return inputs
  }
}

/// What CPython makes of a program.
public struct CPythonResult: Decodable {
  public var reward: [Double]?
  public var terms: [String: [Double]]?
  public var error: String?
}

/// A program with the data it runs on, as it is sent to Python.
public struct CPythonJob: Encodable {
  public let name: String
  public let source: String
  let function: String
  let kind: String
  let isBatched: Bool
  let usesTorch: Bool
  public let inputs: [String: NestedArray]

  public init(_ entry: CorpusProgram, _ program: RewardProgram, rows: Int, seed: UInt64) {
    name = entry.name
    source = entry.source
    function = program.function
    kind = program.kind.rawValue
    isBatched = program.convention == .batched
    usesTorch = program.precision == .single
    inputs = entry.randomInputs(rows: rows, seed: seed)
  }
}

/// Runs programs unchanged in CPython, all in one process.
public func runInCPython(_ jobs: [CPythonJob]) throws -> [CPythonResult] {
  try Python.run(
    """
    import contextlib, importlib.util, io, json, math, os, sys, tempfile, types, warnings, typing
    import numpy as np
    from scipy.spatial.distance import cdist
    from scipy.spatial.transform import Rotation
    warnings.filterwarnings("ignore")
    np.seterr(all="ignore")
    jobs = json.load(sys.stdin)
    folder = tempfile.mkdtemp()
    import torch
    import torch.nn.functional as F
    torch.set_num_threads(1)

    class Path:
        # An object of the environment, known by its source text.
        def __init__(self, text, values):
            object.__setattr__(self, "_text", text)
            object.__setattr__(self, "_values", values)
        def _reach(self, text):
            for candidate in (text, text[5:] if text.startswith("self.") else "self." + text):
                if candidate in self._values:
                    return self._values[candidate]
            return Path(text, self._values)
        def __getattr__(self, name):
            return self._reach(self._text + "." + name)
        def __getitem__(self, index):
            return self._reach(self._text + (f'["{index}"]' if isinstance(index, str) else f"[{index!r}]"))
        def __contains__(self, key):
            return any(k.startswith(f'{self._text}["{key}"]') for k in self._values)
        def get(self, key, default=None):
            return self[key] if key in self else default
        def __len__(self):
            return next(k for k in range(1000) if not any(v.startswith(f"{self._text}[{k}]") for v in self._values))
        def __iter__(self):
            return iter([self[k] for k in range(len(self))])
        def __bool__(self):
            return True
        def __mul__(self, other):
            return Pose(self.p, self.q) * other
        def __call__(self, *arguments, **keywords):
            path, _, method = self._text.rpartition(".")
            if path + ".q" in self._values and hasattr(Pose, method):
                return getattr(Pose(self._values[path + ".p"], self._values[path + ".q"]), method)(*arguments)
            texts = [a._text if isinstance(a, Path) else repr(a) for a in arguments]
            texts += [f"{k}={a!r}" for k, a in keywords.items()]
            return self._reach(self._text + "(" + ", ".join(texts) + ")")

    class Pose:
        # SAPIEN's, by SciPy's rotations; quaternions are w, x, y, z.
        def __init__(self, p, q):
            self.p, self.q = np.asarray(p), np.asarray(q)
            w, x, y, z = self.q
            self.rotation = Rotation.from_quat([x, y, z, w])
        def _made(p, q):
            x, y, z, w = q
            return Pose(p, np.array([w, x, y, z]))
        def inv(self):
            rotation = self.rotation.inv()
            return Pose._made(-rotation.apply(self.p), rotation.as_quat())
        def __mul__(self, other):
            turned = (self.rotation * Pose(other.p, other.q).rotation).as_quat()
            return Pose._made(self.p + self.rotation.apply(other.p), turned)
        def to_transformation_matrix(self):
            matrix = np.eye(4)
            matrix[:3, :3], matrix[:3, 3] = self.rotation.as_matrix(), self.p
            return matrix

    def transform_points(H, pts):
        return pts @ H[:3, :3].T + H[:3, 3]

    # transforms3d's quaternions, w, x, y, z, by products of 4 by 4 matrices.
    def left_matrix(q):
        w, x, y, z = q
        return np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    def scipy_rotation(q): return Rotation.from_quat([q[1], q[2], q[3], q[0]])
    def axis_angle(q):
        vector = 2 * np.arctan2(np.linalg.norm(q[1:]), q[0])
        return np.asarray(q[1:]) / np.linalg.norm(q[1:]), vector
    def canonical(x, y, z, w): return np.array([w, x, y, z]) * (-1 if w < 0 else 1)
    transforms3d = {
        "quaternions": dict(
            qmult=lambda a, b: left_matrix(a) @ np.asarray(b),
            qconjugate=lambda q: np.array([q[0], -q[1], -q[2], -q[3]]),
            qinverse=lambda q: np.array([q[0], -q[1], -q[2], -q[3]]) / np.dot(q, q),
            qnorm=lambda q: np.linalg.norm(q), quat2mat=lambda q: scipy_rotation(q).as_matrix(),
            rotate_vector=lambda v, q: scipy_rotation(q).apply(v), quat2axangle=axis_angle,
            mat2quat=lambda m: canonical(*Rotation.from_matrix(m).as_quat())),
        "euler": dict(
            quat2euler=lambda q, axes="sxyz": tuple(scipy_rotation(q).as_euler("xyz")),
            mat2euler=lambda m, axes="sxyz": tuple(Rotation.from_matrix(m).as_euler("xyz")),
            euler2mat=lambda a, b, c, axes="sxyz": Rotation.from_euler("xyz", [a, b, c]).as_matrix()),
    }
    sys.modules["transforms3d"] = types.ModuleType("transforms3d")
    for name, members in transforms3d.items():
        module = types.ModuleType("transforms3d." + name)
        module.__dict__.update(members)
        sys.modules["transforms3d." + name] = module
        setattr(sys.modules["transforms3d"], name, module)

    # Isaac Gym's helpers, by their definitions.
    def quat_mul(a, b):
        shape = a.shape
        a, b = a.reshape(-1, 4), b.reshape(-1, 4)
        x1, y1, z1, w1 = a[:, 0], a[:, 1], a[:, 2], a[:, 3]
        x2, y2, z2, w2 = b[:, 0], b[:, 1], b[:, 2], b[:, 3]
        ww = (z1 + x1) * (x2 + y2); yy = (w1 - y1) * (w2 + z2); zz = (w1 + y1) * (w2 - z2)
        xx = ww + yy + zz
        qq = 0.5 * (xx + (z1 - x1) * (x2 - y2))
        w = qq - ww + (z1 - y1) * (y2 - z2); x = qq - xx + (x1 + w1) * (x2 + w2)
        y = qq - yy + (w1 - x1) * (y2 + z2); z = qq - zz + (z1 + y1) * (w2 - x2)
        return torch.stack([x, y, z, w], dim=-1).view(shape)
    def normalize(x, eps=1e-9): return x / x.norm(p=2, dim=-1).clamp(min=eps, max=None).unsqueeze(-1)
    def quat_conjugate(a): return torch.cat((-a[:, :3], a[:, -1:]), dim=-1)
    def matrix(q):
        x, y, z, w = q[:, 0], q[:, 1], q[:, 2], q[:, 3]
        rows = [[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]]
        return torch.stack([torch.stack(row, -1) for row in rows], -2)
    def quat_rotate(q, v): return (matrix(q) @ v.unsqueeze(-1)).squeeze(-1)
    def quat_rotate_inverse(q, v): return (matrix(q).transpose(1, 2) @ v.unsqueeze(-1)).squeeze(-1)
    quat_apply = quat_rotate
    def quat_from_angle_axis(angle, axis):
        theta = (angle / 2).unsqueeze(-1)
        return normalize(torch.cat([normalize(axis) * theta.sin(), theta.cos()], dim=-1))
    def quat_diff_rad(a, b):
        return 2.0 * torch.asin(torch.clamp(torch.norm(quat_mul(a, quat_conjugate(b))[:, 0:3], p=2, dim=-1), max=1.0))
    def tensor_clamp(t, low, high): return torch.max(torch.min(t, high), low)
    def scale(x, lower, upper): return 0.5 * (x + 1.0) * (upper - lower) + lower
    def unscale(x, lower, upper): return (2.0 * x - upper - lower) / (upper - lower)
    def get_euler_xyz(q):
        angles = torch.as_tensor(Rotation.from_quat(q.numpy()).as_euler("xyz"), dtype=torch.float32)
        return tuple(angles.remainder(2 * math.pi).unbind(-1))
    helpers = dict(get_euler_xyz=get_euler_xyz, Pose=Pose, Rotation=Rotation, quat_mul=quat_mul, normalize=normalize,
                   quat_conjugate=quat_conjugate, quat_rotate=quat_rotate,
                   quat_rotate_inverse=quat_rotate_inverse, quat_apply=quat_apply, quat_diff_rad=quat_diff_rad,
                   quat_from_angle_axis=quat_from_angle_axis, tensor_clamp=tensor_clamp, scale=scale, unscale=unscale)

    sys.modules["mani_skill2"] = types.ModuleType("mani_skill2")
    sys.modules["mani_skill2.utils"] = types.ModuleType("mani_skill2.utils")
    sys.modules["mani_skill2.utils.sapien_utils"] = types.ModuleType("mani_skill2.utils.sapien_utils")
    sys.modules["mani_skill2.utils.sapien_utils"].check_actor_static = None
    for name in ("isaacgym", "isaacgym.torch_utils"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(helpers)

    def number(value, rows=None):
        if isinstance(value, torch.Tensor):
            value = value.detach().double().numpy()
        value = np.asarray(value, dtype=np.float64)
        if rows is None:
            return float(value.reshape(()))
        return np.broadcast_to(value.reshape(-1), (rows,)).tolist()

    def split(result):
        return (result[0], result[1]) if isinstance(result, tuple) else (result, {})

    def run(job):
        names = dict(np=np, numpy=np, torch=torch, math=math, F=F, cdist=cdist, transform_points=transform_points,
                     Tensor=torch.Tensor, Dict=typing.Dict, Tuple=typing.Tuple, List=typing.List,
                     Optional=typing.Optional, **helpers)
        import scipy.spatial
        names.update(scipy=scipy, distance=scipy.spatial.distance, sdist=scipy.spatial.distance)
        path = os.path.join(folder, job["name"] + ".py")
        with open(path, "w") as file:
            file.write(job["source"])
        specification = importlib.util.spec_from_file_location("program_" + job["name"], path)
        module = importlib.util.module_from_spec(specification)
        sys.modules["program_" + job["name"]] = module
        module.__dict__.update(names)
        specification.loader.exec_module(module)
        function = getattr(module, job["function"], None)
        owner = None
        if function is None:  # A method.
            owner = next(c for c in vars(module).values() if isinstance(c, type) and job["function"] in vars(c))
            function = getattr(owner, job["function"])
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        code = function.__code__ if hasattr(function, "__code__") else None
        if code is None:  # torch.jit.script
            parameters = [a.name for a in function.schema.arguments]
            numbers = [a.name for a in function.schema.arguments if str(a.type) == "float"]
            defaults = [a.name for a in function.schema.arguments if a.has_default_value()]
        else:
            count = len(function.__defaults__ or ())
            numbers = [k for k, a in function.__annotations__.items() if a in (float, int, "float", "int")]
            defaults = set(code.co_varnames[code.co_argcount - count:code.co_argcount])
            defaults |= set(function.__kwdefaults__ or ())
            parameters = list(code.co_varnames[:code.co_argcount + code.co_kwonlyargcount])
        data = {k: np.array(v, dtype=np.float64) for k, v in job["inputs"].items()}
        current = {}
        for key in data:  # A function of the environment: `check_actor_static(self.cube)`.
            name = key.split("(")[0]
            if name != key and name.isidentifier():
                module.__dict__[name] = lambda *a, _name=name, **k: Path(_name, current)(*a, **k)
        rows = next(iter(data.values())).shape[0]

        def itself(owner, values):
            path = Path("self", values)
            if owner is None: return path
            return type("Environment", (owner,), {"__getattr__": lambda _, name: getattr(path, name)})()
        def arguments(values, size):
            current.clear()
            current.update(values)
            result = {}
            for p in parameters:
                if p in values: result[p] = values[p]
                elif p == "self": result[p] = itself(owner, values)
                elif p == "device": result[p] = torch.device("cpu")
                elif p in ("num_envs", "batch_size"): result[p] = size
                elif any(k.startswith((p + ".", p + "[")) for k in values): result[p] = Path(p, values)
                elif p not in defaults: result[p] = None
            return result
        if job["kind"] == "fitness":
            return dict(reward=[number(function(**arguments({k: v.copy() for k, v in data.items()}, rows)))])
        if job["isBatched"]:
            def convert(k, v):
                if k in numbers: return float(v[0])  # The same in every row.
                return torch.tensor(v, dtype=torch.float32) if job["usesTorch"] else v.copy()
            total, terms = split(function(**arguments({k: convert(k, v) for k, v in data.items()}, rows)))
            return dict(reward=number(total, rows), terms={k: number(v, rows) for k, v in terms.items()})
        rewards, named = [], {}
        for row in range(rows):
            values = {k: (float(v[row]) if v.ndim == 1 else v[row].copy()) for k, v in data.items()}
            if job["usesTorch"]:
                values = {k: torch.tensor(v, dtype=torch.float32) for k, v in values.items()}
            total, terms = split(function(**arguments(values, rows)))
            rewards.append(number(total))
            for k, v in terms.items(): named.setdefault(k, [0.0] * row).append(number(v))
            for values in named.values(): values += [0.0] * (row + 1 - len(values))  # A term that a return leaves out.
        return dict(reward=rewards, terms=named)

    results = []
    for job in jobs:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                results.append(run(job))
        except Exception as error:
            results.append(dict(error=f"{type(error).__name__}: {error}"))
    print(json.dumps(results))
    """, input: jobs)
}
