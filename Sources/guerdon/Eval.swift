import ArgumentParser
import Basics
import DifferentiableRewards
import Environments
import Experiments
import Foundation
import RewardPrograms
import Schemas
import Torch

/// Runs a reward program on data.
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a reward program on data from a file.",
    discussion: """
      The data names every input as the program spells it: a parameter ("obs") or a path ("self.robot.ee_pose.p",
      "self.robot.check_grasp(self.obj)"). The first axis counts rows; a number, or an array with another first axis, is
      the same in every row. With --single the data is one transition without the axis of rows.
      """)

  enum Executor: String, ExpressibleByArgument, CaseIterable { case native, torch }

  @Argument(help: "The program, a Python file.") var file: String
  @Option(help: "The data: .json with (nested lists of) numbers by name, or numpy's .npz.") var inputs: String
  @Flag(help: "The data is one transition, without an axis of rows.") var single = false
  @Flag(help: "The program is a fitness: the rows are the steps of one episode.") var fitness = false
  @Option(help: "native or torch.") var executor = Executor.native
  @Option(help: "The device of the torch executor, for example cuda:0.") var device = "cpu"
  @Option(help: "The function to run, when it is not found by its usual name.") var function: String?
  @Flag(help: "Print one JSON object: the rewards and every term.") var json = false

  func run() throws {
    let data = try NestedArray.load(URL(fileURLWithPath: inputs))
    let hasRows = !single
    let source = try Files.readText(URL(fileURLWithPath: file))
    let program: RewardProgram
    do {
      program = try RewardProgram.compile(
        source, name: file, schema: Schema(describing: data, hasRows: hasRows), kind: fitness ? .fitness : .reward,
        options: RewardProgram.Options(function: function, checks: false))
    } catch {
      if json {
        try printJSON(["diagnostics": error.diagnostics])
      } else {
        complain(error.description + "\n")
      }
      throw ExitCode(1)
    }
    let result =
      switch executor {
      case .native: try program.evaluate(data, hasRows: hasRows)
      case .torch: try evaluate(program, data, Device(device))
      }
    let count = result.reward.count { !$0.isFinite }
    if count > 0 {
      let message = "guerdon: \(count) of \(result.reward.count) rewards are not finite numbers.\n"
      complain(message)
    }
    if json { return try printJSON(Output(result)) }
    print(Self.row("reward", result.reward))
    for term in result.terms { print(Self.row("  " + term.name, term.values)) }
  }

  private func evaluate(_ program: RewardProgram, _ data: [String: NestedArray], _ device: Device) throws
    -> RewardProgram.Evaluation
  {
    let reward = try DifferentiableReward(program, device: device)
    var tensors: [String: Tensor] = [:]
    for input in program.inputs {
      guard let array = data[input.name] else { continue }
      let shape = single ? [1] + array.shape : array.shape
      tensors[input.name] = Tensor(array.values, shape: shape, device: device)
    }
    let outcome = try noGrad { try reward(tensors) }
    func values(_ tensor: Tensor) -> [Double] { tensor.to(.float64, device: .cpu).flatten().array(of: Double.self) }
    return RewardProgram.Evaluation(
      reward: values(outcome.total), terms: outcome.terms.map { (name: $0.name, values: values($0.value)) })
  }

  /// One line of the summary for people.
  private static func row(_ name: String, _ values: [Double]) -> String {
    func short(_ value: Double) -> String { String(format: "%.6g", value) }
    if values.count <= 4 { return "\(name): \(values.map(short).joined(separator: ", "))" }
    let mean = values.reduce(0, +) / Double(values.count)
    return "\(name): \(values.count) rows, mean \(short(mean)), "
      + "from \(short(values.min() ?? .nan)) to \(short(values.max() ?? .nan))"
  }

  private struct Output: Encodable {
    var reward: [Double]
    var terms: [String: [Double]]

    init(_ result: RewardProgram.Evaluation) {
      reward = result.reward
      terms = Dictionary(result.terms.map { ($0.name, $0.values) }, uniquingKeysWith: { first, _ in first })
    }
  }
}
