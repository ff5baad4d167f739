import Basics
import RewardPrograms
import Schemas
import Torch

/// A reward program that runs on tensors: differentiable in its inputs and in constants that were made trainable, on any
/// device.
///
/// ```swift
/// let reward = try DifferentiableReward(program, training: program.constants.filter { $0.name.hasSuffix("_temp") })
/// let optimizer = Adam(reward.parameters(), learningRate: 1e-2)
/// let outcome = try reward(["dist": distances])           // total: [B], terms: [B] each
/// outcome.total.mean().backward()
/// optimizer.step()
/// print(reward.source())                                   // the program's text with the learned numbers
/// ```
public final class DifferentiableReward: Module {
  /// Rewards of a batch: the total and every named term, each [rows].
  public struct Outcome {
    public var total: Tensor
    /// In the order of the program's `termNames`.
    public var terms: [(name: String, value: Tensor)]
  }

  public let program: RewardProgram
  /// The constants that are trained, in the order of `parameters()`.
  public let constants: [RewardProgram.NamedConstant]
  public let dtype: DType
  public let device: Device

  private let values: [Tensor]
  private let names: [String]
  private let executor: TensorExecutor

  /// - Parameters:
  ///   - constants: some of `program.constants`, to be trained; they become parameters, each [].
  ///   - dtype: nil takes the program's own precision: float32 for torch programs, float64 for numpy programs.
  /// - Throws: `GuerdonError` for a constant that is not the program's or that must be known while compiling.
  public init(
    _ program: RewardProgram, training constants: [RewardProgram.NamedConstant] = [], dtype: DType? = nil,
    device: Device = .cpu
  ) throws {
    for constant in constants where !program.constants.contains(constant) {
      throw GuerdonError.usage("\(program.name) has no constant \"\(constant.name)\" in line \(constant.line).")
    }
    let lifted: RewardProgram
    do {
      lifted = constants.isEmpty ? program : try program.lifting(constants)
    } catch {
      let reason = error.diagnostics.first?.message ?? "it does not compile"
      throw GuerdonError.usage(
        "Constants of \(program.name) cannot be trained (\(constants.map(\.name).joined(separator: ", "))): \(reason)")
    }
    self.program = program
    self.constants = constants
    self.device = device
    let chosen: DType = dtype ?? (program.precision == .single ? .float32 : .float64)
    self.dtype = chosen
    values = constants.map { Tensor($0.value, dtype: chosen, device: device).requiresGrad_() }
    names = Self.parameterNames(constants)
    executor = TensorExecutor(lifted.compiled.graph, outputs: lifted.compiled.outputs)
  }

  /// The constants that can be trained: all but those that must be known while compiling, such as a loop's length.
  public static func trainableConstants(of program: RewardProgram) -> [RewardProgram.NamedConstant] {
    if (try? program.lifting(program.constants)) != nil { return program.constants }
    return program.constants.filter { (try? program.lifting([$0])) != nil }
  }

  public var members: [(name: String, member: ModuleMember)] {
    zip(names, values).map { ($0, .parameter($1)) }
  }

  /// Rewards of transitions (of a program for rewards), or the fitness of an episode in `total`, [] (of a fitness).
  /// - Parameter inputs: by the names of the schema's fields, each [rows, …], or [...] for shared fields; more than are needed may be there.
  /// - Throws: `GuerdonError` for a missing input or a wrong shape.
  public func callAsFunction(_ inputs: [String: Tensor]) throws -> Outcome {
    var columns: [Int: Tensor] = [:]
    var rows: Int?
    for input in program.inputs {
      guard let field = program.schema[input.name] else { continue }
      guard let tensor = inputs[input.name] else {
        throw GuerdonError.usage("There is no tensor \"\(input.name)\", which \(program.name) reads.")
      }
      if field.shared {
        guard tensor.shape == field.shape else {
          throw GuerdonError.usage(
            "\"\(input.name)\" has the shape \(tensor.shape); \(program.name) needs \(field.shape).")
        }
        let flat = tensor.to(dtype, device: device).reshape([field.width])
        for (component, column) in input.columns.enumerated() { columns[column] = flat.select(0, component) }
        continue
      }
      guard tensor.dim == field.shape.count + 1, Array(tensor.shape.dropFirst()) == field.shape else {
        throw GuerdonError.usage(
          "\"\(input.name)\" has the shape \(tensor.shape); \(program.name) needs rows of \(field.shape).")
      }
      if let rows, rows != tensor.size(0) {
        throw GuerdonError.usage("\"\(input.name)\" has \(tensor.size(0)) rows, and other inputs have \(rows).")
      }
      rows = tensor.size(0)
      let flat = tensor.to(dtype, device: device).reshape([tensor.size(0), field.width])
      for (component, column) in input.columns.enumerated() { columns[column] = flat.select(1, component) }
    }
    return run(rows: rows ?? 1) { columns[$0] ?? Tensor(Double.nan, dtype: dtype, device: device) }
  }

  /// Rewards of transition records.
  /// - Parameter records: [rows, width] with columns in the order of the schema.
  public func callAsFunction(records: Tensor) throws -> Outcome {
    guard records.dim == 2, records.size(1) == program.schema.width else {
      throw GuerdonError.usage(
        "The records have the shape \(records.shape); \(program.name) needs [rows, \(program.schema.width)].")
    }
    let moved = records.to(dtype, device: device)
    return run(rows: records.size(0)) { moved.select(1, $0) }
  }

  private func run(rows: Int, column: (Int) -> Tensor) -> Outcome {
    let outputs = executor.run(rows: rows, dtype: dtype, device: device, parameters: values, column: column)
    let shaped = outputs.map { $0.dim == 0 && program.kind == .reward ? $0.expand(rows) : $0 }
    return Outcome(
      total: shaped[0], terms: zip(program.termNames, shaped.dropFirst()).map { (name: $0, value: $1) })
  }

  /// The program's text with the present values of its trained constants; all else, comments included, stays as it is.
  public func source() -> String {
    // A single-precision number is written with the digits that it has.
    func written(_ value: Double) -> Double { dtype == .float64 ? value : Double(Float(value).description) ?? value }
    return program.source(replacing: zip(constants, values).map { (constant: $0, value: written($1.item())) })
  }

  /// `scale`, or `compute_reward.scale` for a constant of a function; numbered if several have one name.
  private static func parameterNames(_ constants: [RewardProgram.NamedConstant]) -> [String] {
    var seen: [String: Int] = [:]
    return constants.map { constant in
      let name = constant.function.map { "\($0).\(constant.name)" } ?? constant.name
      seen[name, default: 0] += 1
      let number = seen[name] ?? 1
      return number == 1 ? name : "\(name).\(number)"
    }
  }
}
