import Basics
import Environments
import Schemas

/// An environment as a hierarchy of typed class declarations with a comment each: what a reward is written against.
///
/// In the code `self` is an object of the first class. Every attribute that is no object of another class is a leaf, and
/// the symbol map says where in a transition record it lies.
public struct EnvironmentAbstraction: Sendable, Hashable {
  public struct Attribute: Sendable, Hashable {
    public let name: String
    /// "float", "np.ndarray[(3,)]", or the name of another class.
    public let type: String
    /// One line: meaning, unit, range.
    public let comment: String

    public init(_ name: String, _ type: String, _ comment: String) {
      (self.name, self.type, self.comment) = (name, type, comment)
    }
  }

  public struct Declaration: Sendable, Hashable {
    public let name: String
    public let attributes: [Attribute]

    public init(_ name: String, _ attributes: [Attribute]) { (self.name, self.attributes) = (name, attributes) }
  }

  /// What is there and how it is moved: robot, actuators, action space.
  public let setting: String
  public let classes: [Declaration]
  public let symbols: SymbolMap
  /// Whether the task is to move a body, where a reward is easily drowned by its regularisers.
  public let isLocomotion: Bool

  /// - Throws: `GuerdonError` when a leaf has no symbol or a symbol is no leaf.
  public init(
    setting: String, classes: [Declaration], symbols: [String: String], isLocomotion: Bool = false
  ) throws {
    (self.setting, self.classes, self.isLocomotion) = (setting, classes, isLocomotion)
    self.symbols = try SymbolMap(symbols)
    let paths = Set(leaves.map(\.path))
    if let odd = paths.symmetricDifference(symbols.keys).min() {
      throw GuerdonError.usage(
        paths.contains(odd)
          ? "The abstraction declares \(odd), and its symbol map does not say where it is."
          : "The symbol map has \(odd), which the abstraction does not declare.")
    }
  }

  /// Every leaf with its path from `self` and the class it stands in, in the order of the declarations.
  public var leaves: [(path: String, attribute: Attribute, owner: String)] {
    classes.first.map { leaves(of: $0, at: "self", depth: 0) } ?? []
  }

  private func leaves(
    of declaration: Declaration, at path: String, depth: Int
  ) -> [(path: String, attribute: Attribute, owner: String)] {
    declaration.attributes.flatMap { attribute in
      let below = "\(path).\(attribute.name)"
      // A class that holds itself has no leaves below.
      if depth < classes.count, let inner = classes.first(where: { $0.name == attribute.type }) {
        return leaves(of: inner, at: below, depth: depth + 1)
      }
      return [(below, attribute, declaration.name)]
    }
  }

  /// The declarations as Python: inner classes first, so that a reader knows a type before it is used.
  public var text: String {
    classes.reversed().map { declaration in
      (["class \(declaration.name):"]
        + declaration.attributes.map { "    \($0.name): \($0.type)  # \($0.comment)" }).joined(separator: "\n")
    }.joined(separator: "\n\n")
  }
}

extension EnvironmentAbstraction {
  private static let rigidObject = Declaration(
    "RigidObject",
    [
      Attribute("position", "np.ndarray[(3,)]", "m; x, y, z of the object's centre"),
      Attribute("quaternion", "np.ndarray[(4,)]", "orientation as x, y, z, w; zeros where the task has none"),
    ])

  /// Meta-World's Sawyer arm with one or two objects: its observation after a step.
  ///
  /// In `Meta-World/MT1` the goal is part of the observation (columns 36 to 38).
  public static func metaWorld(objects: Int = 1) throws -> EnvironmentAbstraction {
    let first = [
      Attribute("robot", "Robot", "the arm"),
      Attribute("obj1", "RigidObject", "the object, or the part of it that is to be moved"),
    ]
    let second = objects > 1 ? [Attribute("obj2", "RigidObject", "the second object")] : []
    var symbols = [
      "self.robot.ee_position": "self.next_obs[0:3]", "self.robot.gripper_openness": "self.next_obs[3]",
      "self.obj1.position": "self.next_obs[4:7]", "self.obj1.quaternion": "self.next_obs[7:11]",
      "self.goal_position": "self.next_obs[36:39]",
    ]
    if objects > 1 {
      symbols["self.obj2.position"] = "self.next_obs[11:14]"
      symbols["self.obj2.quaternion"] = "self.next_obs[14:18]"
    }
    return try EnvironmentAbstraction(
      setting:
        "A Sawyer arm with a two-finger gripper over a table. An action is four numbers in [-1, 1]: three move the end effector by a few centimetres, the fourth closes the gripper (1) or opens it (-1).",
      classes: [
        Declaration(
          "BaseEnv",
          first + second + [
            Attribute("goal_position", "np.ndarray[(3,)]", "m; where the object, or the end effector, should be")
          ]),
        Declaration(
          "Robot",
          [
            Attribute("ee_position", "np.ndarray[(3,)]", "m; x, y, z of the end effector"),
            Attribute("gripper_openness", "float", "in [-1, 1]; 1 is wide open"),
          ]),
        rigidObject,
      ],
      symbols: symbols)
  }

  /// Reacher-v5.
  public static func reacher() throws -> EnvironmentAbstraction {
    try EnvironmentAbstraction(
      setting:
        "An arm of two links of 0.1 m in the plane, with a motor at shoulder and elbow. An action is two torques in [-1, 1].",
      classes: [
        Declaration(
          "BaseEnv",
          [
            Attribute("robot", "Robot", "the arm"),
            Attribute("goal_position", "np.ndarray[(2,)]", "m; x, y of the target, which does not move"),
          ]),
        Declaration(
          "Robot",
          [
            Attribute("ee_position", "np.ndarray[(2,)]", "m; x, y of the fingertip"),
            Attribute("joint_velocities", "np.ndarray[(2,)]", "rad/s; shoulder and elbow"),
          ]),
      ],
      symbols: [
        "self.robot.ee_position": "self.fingertip", "self.robot.joint_velocities": "self.joint_velocities",
        "self.goal_position": "self.target",
      ])
  }

  /// Pendulum-v1.
  public static func pendulum() throws -> EnvironmentAbstraction {
    try EnvironmentAbstraction(
      setting: "A pole of 1 m on a pivot with a weak motor. An action is one torque in [-2, 2] N·m.",
      classes: [
        Declaration(
          "BaseEnv",
          [Attribute("pole", "Pole", "the pole"), Attribute("torque", "float", "N·m; the torque that acted")]),
        Declaration(
          "Pole",
          [
            Attribute("angle", "float", "rad; in [-pi, pi], 0 is upright, pi hangs down"),
            Attribute("angular_velocity", "float", "rad/s; in [-8, 8]"),
          ]),
      ],
      symbols: [
        "self.pole.angle": "self.angle", "self.pole.angular_velocity": "self.angular_velocity",
        "self.torque": "self.torque",
      ])
  }

  /// Any environment, by its schema: one class with an attribute a field.
  public init(_ spec: EnvironmentSpec) throws {
    let fields = spec.schema.fields.filter { !$0.fitnessOnly && !["obs", "step", "terminated"].contains($0.name) }
    let open = fields.filter { !$0.name.contains(".") && $0.name != "action" }
    try self.init(
      setting: spec.summary,
      classes: [
        Declaration(
          "BaseEnv",
          open.map { field in
            let type =
              field.shape.isEmpty ? "float" : "np.ndarray[(\(field.shape.map { "\($0)," }.joined(separator: " ")))]"
            let range = field.low.isFinite && field.high.isFinite ? "; in [\(field.low), \(field.high)]" : ""
            return Attribute(field.name, type, "\(field.unit)\(range); \(field.meaning)")
          })
      ],
      symbols: Dictionary(uniqueKeysWithValues: open.map { ("self.\($0.name)", "self.\($0.name)") }))
  }

  /// The registry: what the environment of this id is to a writer of rewards.
  /// - Throws: `GuerdonError` when there is no such environment.
  public static func named(_ id: String) throws -> EnvironmentAbstraction {
    switch id {
    case "Reacher-v5": try reacher()
    case "Pendulum-v1": try pendulum()
    case _ where id.hasPrefix("gym:metaworld:"): try metaWorld()
    default: try EnvironmentAbstraction(Environments.spec(id))
    }
  }
}
