import Basics
internal import CTorch

/// A part of a network: it owns parameters, buffers and other modules, and its state dict has PyTorch's names.
///
/// The members are found by reflection, in the order of their declaration: `@Parameter` and `@Buffer` properties,
/// modules, optional modules and arrays of modules (whose keys are their indices). A property's name is its key; where
/// PyTorch's differs, name it: `_weight = Parameter(…, name: "in_proj_weight")`, `_query = Child(…, name: "q_proj")`.
///
/// ```swift
/// final class Critic: UnaryModule {
///   let net: Sequential
///   init(generator: Generator) {
///     net = Sequential(Linear(3, 64, generator: generator), Tanh(), Linear(64, 1, generator: generator))
///   }
///   func callAsFunction(_ input: Tensor) -> Tensor { net(input).squeeze(-1) }
/// }
/// critic.namedParameters().map(\.name)  // ["net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias"]
/// ```
public protocol Module: AnyObject {
  /// What the module owns directly, with the names it has in the state dict.
  var members: [(name: String, member: ModuleMember)] { get }
}

/// A module from one tensor to one tensor: what `Sequential` chains.
public protocol UnaryModule: Module {
  func callAsFunction(_ input: Tensor) -> Tensor
}

/// A module that behaves differently while training.
public protocol TrainingDependent: Module {
  var isTraining: Bool { get set }
}

public enum ModuleMember {
  case parameter(Tensor)
  case buffer(Tensor)
  case module(any Module)
}

/// A tensor that is learned. It becomes a leaf that requires a gradient.
@propertyWrapper
public struct Parameter<Value> {
  public let wrappedValue: Value
  let tensor: Tensor?
  let name: String?
}

extension Parameter where Value == Tensor {
  public init(_ tensor: Tensor, name: String? = nil) {
    let leaf = tensor.detach().requiresGrad_()
    (self.wrappedValue, self.tensor, self.name) = (leaf, leaf, name)
  }
}

extension Parameter where Value == Tensor? {
  public init(_ tensor: Tensor?, name: String? = nil) {
    let leaf = tensor?.detach().requiresGrad_()
    (self.wrappedValue, self.tensor, self.name) = (leaf, leaf, name)
  }
}

/// A tensor that is saved with the module but not learned: a running mean, a mask.
@propertyWrapper
public struct Buffer {
  public let wrappedValue: Tensor
  let name: String?

  public init(_ tensor: Tensor, name: String? = nil) {
    wrappedValue = tensor.detach()
    self.name = name
  }
}

/// A module whose name in the state dict is not its property's.
@propertyWrapper
public struct Child<Value> {
  public let wrappedValue: Value
  let name: String

  public init(_ module: Value, name: String) {
    wrappedValue = module
    self.name = name
  }
}

/// What reflection asks of a property.
private protocol ReflectedMember {
  /// The members that the property holds, given its name.
  func members(named property: String) -> [(name: String, member: ModuleMember)]
}

extension Parameter: ReflectedMember {
  fileprivate func members(named property: String) -> [(name: String, member: ModuleMember)] {
    tensor.map { [(name ?? property, .parameter($0))] } ?? []
  }
}

extension Buffer: ReflectedMember {
  fileprivate func members(named property: String) -> [(name: String, member: ModuleMember)] {
    [(name ?? property, .buffer(wrappedValue))]
  }
}

extension Child: ReflectedMember {
  fileprivate func members(named property: String) -> [(name: String, member: ModuleMember)] {
    moduleMembers(of: wrappedValue, named: name)
  }
}

private func moduleMembers(of value: Any, named name: String) -> [(name: String, member: ModuleMember)] {
  if let module = value as? any Module { return [(name, .module(module))] }
  if let modules = value as? [any Module] {
    return modules.enumerated().map { ("\(name).\($0.offset)", .module($0.element)) }
  }
  return []
}

extension Module {
  public var members: [(name: String, member: ModuleMember)] {
    var mirrors: [Mirror] = []
    var next: Mirror? = Mirror(reflecting: self)
    while let mirror = next {
      mirrors.append(mirror)
      next = mirror.superclassMirror
    }
    return mirrors.reversed().flatMap(\.children).flatMap { label, value in
      // A wrapped property is stored under its name with an underscore before it.
      let property = label.map { $0.hasPrefix("_") ? String($0.dropFirst()) : $0 } ?? ""
      if let member = value as? any ReflectedMember { return member.members(named: property) }
      return moduleMembers(of: value, named: property)
    }
  }
}

// MARK: Walking through

extension Module {
  /// Every parameter once, with its name in the state dict.
  public func namedParameters() -> [(name: String, tensor: Tensor)] {
    var seen: Set<ObjectIdentifier> = []
    return tensors().filter { $0.isParameter && seen.insert(ObjectIdentifier($0.tensor.handle)).inserted }
      .map { ($0.name, $0.tensor) }
  }

  /// Every parameter once.
  public func parameters() -> [Tensor] { namedParameters().map(\.tensor) }

  /// This module and all below it.
  public func modules() -> [any Module] {
    [self] + members.flatMap { member -> [any Module] in
      if case .module(let module) = member.member { module.modules() } else { [] }
    }
  }

  /// Forgets every parameter's gradient.
  public func zeroGrad() { Torch.zeroGrad(parameters(), setToNone: true) }

  /// Switches all modules that behave differently while training.
  public func train(_ mode: Bool = true) {
    for case let module as any TrainingDependent in modules() { module.isTraining = mode }
  }

  /// Switches to evaluation: `train(false)`.
  public func eval() { train(false) }

  /// Moves all parameters and buffers, which stay the same tensors: optimisers go on working.
  public func to(
    _ dtype: DType? = nil, device: Device? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    noGrad {
      for (_, tensor, _) in tensors() {
        let type = tensor.dtype.isFloatingPoint ? dtype : nil
        check(tensor.withPointers(tensor.to(type, device: device, file: file, line: line), ct_set_data), file, line)
      }
    }
  }

  /// Every parameter and buffer, with its name in the state dict.
  func namedTensors() -> [(name: String, tensor: Tensor)] { tensors().map { ($0.name, $0.tensor) } }

  private func tensors(_ prefix: String = "") -> [(name: String, tensor: Tensor, isParameter: Bool)] {
    members.flatMap { name, member -> [(name: String, tensor: Tensor, isParameter: Bool)] in
      switch member {
      case .parameter(let tensor): [(prefix + name, tensor, true)]
      case .buffer(let tensor): [(prefix + name, tensor, false)]
      case .module(let module): module.tensors(prefix + name + ".")
      }
    }
  }
}

// MARK: State

extension Module {
  /// Every parameter and buffer by its name. The tensors share their elements with the module.
  public func stateDict() -> [String: Tensor] {
    Dictionary(tensors().map { ($0.name, $0.tensor.detach()) }) { first, _ in first }
  }

  /// Copies `state` into the parameters and buffers, converting types and devices.
  /// - Parameter strict: false leaves alone what the state lacks, and ignores what the module has not, as in PyTorch.
  /// - Returns: the names that were lacking or ignored; none if `strict`.
  /// - Throws: `GuerdonError` when a shape differs, or, if `strict`, when a name is missing or unknown; nothing is then
  ///   changed.
  @discardableResult
  public func loadStateDict(_ state: [String: Tensor], strict: Bool = true) throws -> StateDifference {
    try loadState(state.mapValues(\.shape), strict: strict) { state[$0] }
  }

  /// As `loadStateDict`, with one tensor after the other, so that they need not all be in memory.
  func loadState(
    _ shapes: [String: [Int]], strict: Bool, _ tensor: (String) throws -> Tensor?
  ) throws -> StateDifference {
    let own = tensors()
    let ownShapes = Dictionary(own.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    let difference = try checkState(shapes, fits: ownShapes, of: "\(Self.self)", strict: strict)
    try noGrad {
      for (name, target, _) in own where shapes[name] != nil {
        if let loaded = try tensor(name) { target.copy_(loaded) }
      }
    }
    return difference
  }
}

/// How the names of a state dict differ from those of a module, sorted.
public struct StateDifference: Sendable, Hashable {
  /// What the module has and the state lacks.
  public let missing: [String]
  /// What the state has and the module has not.
  public let unexpected: [String]

  /// Whether they do not differ.
  public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty }
}

/// Compares the shapes of a state with those it is to fill.
/// - Throws: `GuerdonError` when a shape differs, or, if `strict`, when a name is missing or unknown.
@discardableResult
func checkState(
  _ state: [String: [Int]], fits own: [String: [Int]], of module: String, strict: Bool
) throws -> StateDifference {
  let difference = StateDifference(
    missing: Set(own.keys).subtracting(state.keys).sorted(),
    unexpected: Set(state.keys).subtracting(own.keys).sorted())
  if strict, !difference.missing.isEmpty {
    throw GuerdonError.failure("The state lacks \(quoted(difference.missing)) of \(module).")
  }
  if strict, !difference.unexpected.isEmpty {
    throw GuerdonError.failure("The state has \(quoted(difference.unexpected)), which \(module) has not.")
  }
  let misshapen = own.filter { name, shape in state[name].map { $0 != shape } ?? false }.sorted { $0.key < $1.key }
  if let (name, needed) = misshapen.first, let found = state[name] {
    let others = misshapen.count == 1 ? "" : ", and \(misshapen.count - 1) more differ"
    throw GuerdonError.failure(
      "\"\(name)\" of the state has the shape \(found); \(module) needs \(needed)\(others).")
  }
  return difference
}

private func quoted(_ names: [String]) -> String {
  let shown = names.prefix(5).map { "\"\($0)\"" }.joined(separator: ", ")
  return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
}
