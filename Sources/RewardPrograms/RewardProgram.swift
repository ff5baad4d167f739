import Basics
import Schemas

/// A reward (or a fitness) written as text, in a strict subset of Python, checked and compiled.
///
/// A compiled program is a small immutable value: copying it is copying a reference, and it may be shared by threads.
/// What a thread needs to run it is made by `makeEvaluator()`.
public struct RewardProgram: Sendable {
  public enum Kind: String, Sendable, Codable {
    /// One number (and named terms) per transition.
    case reward
    /// One number per episode, from the columns of all its steps.
    case fitness
  }

  /// What shape a program sees its inputs in.
  public enum Convention: String, Sendable, Codable {
    /// Every input has a leading axis of rows, as in Eureka: a field of shape [3] is a tensor of shape [B, 3].
    case batched
    /// Inputs have the field's own shape, as in Text2Reward: the function sees one transition.
    case perTransition
  }

  public struct Options: Sendable {
    /// nil decides by the text: a program that uses torch is batched, any other sees one transition.
    public var convention: Convention?
    /// The function to run; nil takes `compute_reward`, `compute_dense_reward`, `reward`, … or the last one.
    public var function: String?
    /// Gives the diagnostics of unused inputs, possible divisions by zero and so on.
    public var checks = true

    public init(convention: Convention? = nil, function: String? = nil, checks: Bool = true) {
      self.convention = convention
      self.function = function
      self.checks = checks
    }
  }

  /// A field that the program reads.
  public struct Input: Sendable, Hashable {
    /// The field's name in the schema.
    public let name: String
    /// Columns of the transition record.
    public let columns: Range<Int>
  }

  /// A number with a name in the program: what a proposer may vary, or training may tune.
  public struct NamedConstant: Sendable, Hashable {
    public let name: String
    public let value: Double
    /// The function it stands in; nil at the top of the file.
    public let function: String?
    public let line: Int
    public let column: Int
    /// UTF-8 offsets of the literal, sign included, in the source.
    public let range: Range<Int>
  }

  /// What the total and every term can be, given the schema's ranges.
  public struct Bounds: Sendable, Hashable {
    public let total: ClosedRange<Double>
    /// In the order of `termNames`.
    public let terms: [ClosedRange<Double>]
  }

  package let compiled: Compiled

  init(_ compiled: Compiled) { self.compiled = compiled }

  /// Checks and compiles a program.
  /// - Parameters:
  ///   - source: the text of a file.
  ///   - name: the file's name, for diagnostics.
  ///   - schema: the fields it may read; parameters and paths are resolved against their names.
  /// - Throws: what is wrong with it: all of it, each with its line and column.
  public static func compile(
    _ source: String, name: String = "reward.py", schema: Schema, kind: Kind = .reward, options: Options = Options()
  ) throws(CompilationFailure) -> RewardProgram {
    let result = withLargeStack { Compiler.compile(source, name: name, schema: schema, kind: kind, options: options) }
    return RewardProgram(try result.get())
  }

  /// The same program with some of its constants kept as parameters, which a differentiable executor may change.
  /// - Throws: `CompilationFailure` if one of them must be known while compiling, as the length of a loop must.
  package func lifting(_ constants: [NamedConstant]) throws(CompilationFailure) -> RewardProgram {
    let options = Options(convention: convention, function: function, checks: false)
    let (source, name, schema, kind) = (source, name, schema, kind)
    let ranges = constants.map(\.range)
    let result = withLargeStack {
      Compiler.compile(source, name: name, schema: schema, kind: kind, options: options, lifted: ranges)
    }
    return RewardProgram(try result.get())
  }

  /// The text it was compiled from.
  public var source: String { compiled.source }
  public var name: String { compiled.name }
  public var schema: Schema { compiled.schema }
  public var kind: Kind { compiled.kind }
  public var convention: Convention { compiled.convention }
  public var precision: Precision { compiled.graph.precision }
  /// The name of the function that is run.
  public var function: String { compiled.function }
  /// The fields it reads.
  public var inputs: [Input] { compiled.inputs }
  /// In the order in which the program's dictionary has them; empty if it returns a total alone.
  public var termNames: [String] { compiled.termNames }
  /// Warnings and notes, in source order.
  public var warnings: [Diagnostic] { compiled.warnings }
  public var constants: [NamedConstant] { compiled.constants }
  public var bounds: Bounds { compiled.bounds }
  /// Scalar operations a row: a measure of its cost.
  public var operationCount: Int { compiled.code.instructions.count }

  /// A machine for one thread. Rewards are computed in the precision of the library that the program uses: numpy's
  /// doubles, torch's floats.
  public func makeEvaluator() -> RewardProgramEvaluator { RewardProgramEvaluator(compiled) }

  /// The text with other values for some of its constants; everything else, comments included, stays as it is.
  public func source(replacing values: [(constant: NamedConstant, value: Double)]) -> String {
    var bytes = Array(source.utf8)
    for (constant, value) in values.sorted(by: { $0.constant.range.lowerBound > $1.constant.range.lowerBound }) {
      bytes.replaceSubrange(constant.range, with: Array("\(value)".utf8))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What a compiled program is; shared by its copies.
package final class Compiled: Sendable {
  let source: String
  let name: String
  let schema: Schema
  let kind: RewardProgram.Kind
  let convention: RewardProgram.Convention
  let function: String
  package let graph: Graph
  package let outputs: [Node]
  let inputs: [RewardProgram.Input]
  let termNames: [String]
  let warnings: [Diagnostic]
  let constants: [RewardProgram.NamedConstant]
  let bounds: RewardProgram.Bounds
  /// The total and all terms; and the total alone, for when the terms are not wanted.
  let code: NativeCode
  let totalCode: NativeCode

  init(
    source: String, name: String, schema: Schema, kind: RewardProgram.Kind, convention: RewardProgram.Convention,
    function: String, graph: Graph, outputs: [Node], inputs: [RewardProgram.Input], termNames: [String],
    warnings: [Diagnostic], constants: [RewardProgram.NamedConstant]
  ) {
    self.source = source
    self.name = name
    self.schema = schema
    self.kind = kind
    self.convention = convention
    self.function = function
    self.graph = graph
    self.outputs = outputs
    self.inputs = inputs
    self.termNames = termNames
    self.warnings = warnings
    self.constants = constants
    func bounds(_ node: Node) -> ClosedRange<Double> {
      let interval = graph.interval(node)
      return interval.low <= interval.high ? interval.low...interval.high : -Double.infinity...Double.infinity
    }
    self.bounds = RewardProgram.Bounds(total: bounds(outputs[0]), terms: outputs.dropFirst().map(bounds))
    code = NativeCode(graph, outputs: outputs)
    totalCode = outputs.count == 1 ? code : NativeCode(graph, outputs: [outputs[0]])
  }
}
