import Basics
import Environments
import RewardPrograms
import Schemas

/// A reward program in two parts, `sparse` and `dense`, with a memory that lasts an episode.
///
/// The program is a `RewardProgram` that returns a dictionary with the terms "sparse" and "dense". A parameter whose
/// name begins with `memory_` is a key of the memory: it holds what the program returned as the term of that name in
/// the step before, and NaN (absent) in an episode's first step.
public struct MemoryProgram: Sendable {
  public let program: RewardProgram
  /// The memory's keys, sorted.
  public let keys: [String]
  private let sparseTerm: Int
  private let denseTerm: Int
  private let keyTerms: [Int]

  /// - Parameter fields: what the program may read besides its memory.
  /// - Throws: `CompilationFailure`; `GuerdonError` without the terms, or for a key that is read but never kept.
  public init(_ source: String, environment: String, fields: [Field]) throws {
    let keys = Set(source.matches(of: /\bmemory_[A-Za-z0-9_]+/).map { String($0.output) }).sorted()
    let memory = keys.map { Field($0, meaning: "memory: what the step before returned, NaN in the first step") }
    let program = try RewardProgram.compile(
      source, schema: Schema(environment: environment, fields: fields + memory), options: .init(checks: false))
    func term(_ name: String) throws -> Int {
      guard let index = program.termNames.firstIndex(of: name) else {
        throw GuerdonError.usage(
          "The program must return \"\(name)\" in its dictionary; it returns "
            + "\(program.termNames.joined(separator: ", ")).")
      }
      return index
    }
    sparseTerm = try term("sparse")
    denseTerm = try term("dense")
    keyTerms = try keys.map(term)
    (self.program, self.keys) = (program, keys)
  }

  /// The program running beside `count` environments, each with its own memory; belongs to one thread.
  public final class Runner {
    /// The transitions to be evaluated, a row an environment. Memory is kept by the runner.
    public let batch: TransitionBatch
    public let count: Int
    /// [count], the program's raw values.
    public private(set) var sparse: [Double]
    public private(set) var dense: [Double]
    private let program: MemoryProgram
    private let machine: RewardProgramEvaluator
    private var total: [Double]
    private var terms: [Double]
    private let firstKey: Int

    public init(_ program: MemoryProgram, count: Int) {
      (self.program, self.count) = (program, count)
      machine = program.program.makeEvaluator()
      batch = TransitionBatch(schema: program.program.schema, capacity: count)
      sparse = Array(repeating: 0, count: count)
      dense = sparse
      total = sparse
      terms = Array(repeating: 0, count: count * program.program.termNames.count)
      firstKey = program.program.schema.width - program.keys.count
      for environment in 0..<count { clearMemory(environment) }
    }

    /// Forgets an episode: to be called at every reset.
    public func clearMemory(_ environment: Int) {
      for key in program.keys.indices { batch.base[(firstKey + key) * count + environment] = .nan }
    }

    /// The memory of one environment, in the order of `keys`; NaN where nothing is kept.
    public func memory(of environment: Int) -> [Double] {
      program.keys.indices.map { batch.base[(firstKey + $0) * count + environment] }
    }

    /// Evaluates the batch, and keeps what the program remembers.
    /// - Returns: whether all values, and all that is to be remembered, are finite.
    @discardableResult
    public func evaluate() -> Bool {
      machine.evaluate(base: batch.base, stride: count, rows: 0..<count, total: &total, terms: &terms)
      var isFinite = true
      for row in 0..<count {
        sparse[row] = terms[program.sparseTerm * count + row]
        dense[row] = terms[program.denseTerm * count + row]
        isFinite = isFinite && sparse[row].isFinite && dense[row].isFinite
        for key in program.keyTerms.indices {
          let value = terms[program.keyTerms[key] * count + row]
          batch.base[(firstKey + key) * count + row] = value
          isFinite = isFinite && value.isFinite
        }
      }
      return isFinite
    }
  }
}
