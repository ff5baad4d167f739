/// Objects of the environments' Python that are made of numbers: SAPIEN's `Pose` (`p`, and `q` as w, x, y, z) and
/// SciPy's `Rotation` (a quaternion x, y, z, w). Their methods are functions of the prelude, `_Pose_inv` for `Pose.inv`.
extension Elaborator {
  private static let parameters: [String: [String]] = ["Pose": ["p", "q"], "Rotation": ["quaternion"]]

  func isPoseMethod(_ name: String) -> Bool { Prelude.functions["_Pose_" + name] != nil }

  /// The pose at a path whose position and quaternion are fields; nil if they are not.
  func pose(at path: String, _ span: Span) -> Value? {
    guard fieldIndex(path + ".p") != nil, fieldIndex(path + ".q") != nil, let position = input(path + ".p", span),
      let quaternion = input(path + ".q", span)
    else { return nil }
    return pose(position, quaternion)
  }

  private func pose(_ position: Value, _ quaternion: Value) -> Value {
    var fields = OrderedDictionary()
    fields[.string("p")] = position
    fields[.string("q")] = quaternion
    return .record("Pose", fields)
  }

  /// `self.target.pose.inv()`, where no field has that name.
  func callPose(_ path: String, _ arguments: [Argument], _ expression: Expression) -> Value? {
    guard let dot = path.lastIndex(of: ".") else { return nil }
    let name = String(path[path.index(after: dot)...])
    guard isPoseMethod(name), let pose = pose(at: String(path[..<dot]), expression.span) else { return nil }
    var evaluated = CallArguments()
    for argument in arguments { evaluated.positional.append((evaluate(argument.value), argument.span)) }
    return callRecord(pose, "Pose", name, evaluated, expression.span)
  }

  func callRecord(
    _ receiver: Value, _ type: String, _ name: String, _ arguments: CallArguments, _ span: Span
  ) -> Value {
    guard case .function(let closure)? = preludeFunction("_\(type)_\(name)") else {
      return fail("unknown-attribute", span, "\(receiver.kindName) has no method \"\(name)\" here.")
    }
    var all = arguments
    all.positional.insert((receiver, span), at: 0)
    all.positional = all.positional.map { (record($0.value, span) ?? $0.value, $0.span) }
    return call(closure, all, span)
  }

  /// `a * b` of two poses or two rotations; nil if they are something else.
  func product(ofRecords left: Value, _ right: Value, _ span: Span) -> Value? {
    guard case .record(let type, _)? = record(left, span), case .record(type, _)? = record(right, span) else {
      return nil
    }
    var arguments = CallArguments()
    arguments.positional = [(right, span)]
    return callRecord(left, type, "mul", arguments, span)
  }

  private func record(_ value: Value, _ span: Span) -> Value? {
    switch value {
    case .record: value
    case .path(let path): pose(at: path, span)
    default: nil
    }
  }

  /// `Pose(p, q)`, `Rotation.from_quat(q)`; nil if the name makes no such object.
  func makeRecord(_ name: String, _ arguments: CallArguments, _ span: Span) -> Value? {
    if let fields = Self.parameters[name] {
      var result = OrderedDictionary()
      for (index, field) in fields.enumerated() {
        let keyword = arguments.keywords.first { $0.name == field }?.value
        let given = arguments.positional.indices.contains(index) ? arguments.positional[index].value : keyword
        let unit: [Double] = field == "p" ? [0, 0, 0] : [1, 0, 0, 0]
        let value = given ?? .array(array([.fixed(unit.count)], unit.map { graph.constant($0) }, .float, .numpy))
        guard let converted = toArray(value) else {
          return fail("type", span, "\"\(name)\" needs an array as \"\(field)\", not \(value.kindName).")
        }
        result[.string(field)] = .array(converted)
      }
      return .record(name, result)
    }
    let function = "_" + name.split(separator: ".").joined(separator: "_")
    guard case .function(let closure)? = preludeFunction(function) else { return nil }
    return call(closure, arguments, span)
  }

  /// A helper of the prelude as a member of the module it comes from.
  func helper(_ name: String, of module: String) -> Value? {
    guard let root = module.split(separator: ".").first, Library.helperModules.contains(String(root)) else { return nil }
    if Self.parameters[name] != nil { return .type(name) }
    return preludeFunction(name) ?? (name.first?.isLowercase == true ? .module("\(module).\(name)") : .type(name))
  }
}
