import Basics
import Foundation
import Proposers

/// The rule-based stand-in for the language model of ICPL's loop, over the same nine components as Eureka's.
///
/// It reads the good and the bad program, their traces and the past good ones, and no score. It tests the loop, not a
/// language model's knowledge.
struct MisfitPreferenceWriter: RewardWriter {
  typealias Program = ComponentGrammar.Program

  struct Configuration: Sendable, Hashable, Codable {
    /// Largest η, the step away from the bad program in units of how the good one differs from it.
    var largestStep = 0.5
    /// Standard deviation of each parameter's log₁₀ besides.
    var noise = 0.3
    /// Probability of a child that mixes the good program with a past good one.
    var mixing = 0.25
  }

  let configuration: Configuration
  /// Parameters stay between 10^−4 and 10^4.
  static let largestLog = 4.0

  private var prior: ComponentWriter
  private var random: RandomGenerator

  init(_ configuration: Configuration = Configuration(), seed: UInt64) {
    self.configuration = configuration
    prior = ComponentWriter(misfit: seed)
    random = RandomGenerator(seed: seed, spawnKey: [0x77_72_69])
  }

  mutating func write(_ count: Int, reading context: ICPL.Context<Program>) -> [Program] {
    (0..<count).map { _ in
      if let feedback = context.feedback { child(of: feedback) } else { prior.sample() }
    }
  }

  /// log p ← log p_good + η (log p_good − log p_bad) + noise, then the rules on the good trace.
  private mutating func child(of feedback: ICPL.Feedback<Program>) -> Program {
    var child = feedback.good
    if !feedback.pastGoods.isEmpty, random.uniform() < configuration.mixing {
      let past = feedback.pastGoods[random.integer(below: feedback.pastGoods.count)]
      for index in child.weights.indices where random.uniform() < 0.5 {
        child.weights[index] = past.weights[index]
        child.temperatures[index] = past.temperatures[index]
      }
    }
    for index in child.weights.indices {
      child.weights[index] = moved(
        child.weights[index], good: feedback.good.weights[index], bad: feedback.bad?.weights[index])
      child.temperatures[index] = moved(
        child.temperatures[index], good: feedback.good.temperatures[index], bad: feedback.bad?.temperatures[index])
    }
    if let trace = feedback.goodTrace { mend(&child, by: trace) }
    return child
  }

  private mutating func moved(_ value: Double, good: Double, bad: Double?) -> Double {
    let step = bad.map { random.uniform(0, configuration.largestStep) * (log10(good) - log10($0)) } ?? 0
    let moved = log10(value) + step + configuration.noise * random.normal()
    return pow(10, min(max(moved, -Self.largestLog), Self.largestLog))
  }

  /// The advice on flat and dominant components.
  private mutating func mend(_ program: inout Program, by trace: ICPL.Trace) {
    guard trace.terms.count == program.weights.count else { return }
    let sizes = trace.terms.map { series in
      series.values.reduce(0) { $0 + abs($1) } / Double(max(series.values.count, 1))
    }
    let total = sizes.reduce(0, +)
    for index in trace.terms.indices {
      let values = trace.terms[index].values
      let share = total > 0 ? sizes[index] / total : 0
      let isFlat = (values.max() ?? 0) - (values.min() ?? 0) <= 0.05 * sizes[index]
      if isFlat && share > 0.1 {
        // Large and constant: nothing is learned from it.
        if random.uniform() < 0.6 { program.weights[index] *= pow(10, -random.uniform(0, 2.5)) }
      } else if share > 0.5 {
        // It drowns the others.
        if random.uniform() < 0.3 { program.weights[index] *= pow(10, -random.uniform(0, 1)) }
      } else if (isFlat || share < 0.02) && random.uniform() < 0.3 {
        // Too small or too constant to be felt.
        if ComponentGrammar.misfit.components[index].hasTemperature && random.uniform() < 0.5 {
          program.temperatures[index] = pow(10, random.uniform(-2.5, 1))
        } else {
          program.weights[index] *= pow(10, random.uniform(0, 1.5))
        }
      }
    }
  }

  func differences(between first: Program, and second: Program) -> String {
    func change(_ name: String, _ first: Double, _ second: Double) -> String? {
      guard abs(log10(first) - log10(second)) > 0.15 else { return nil }
      return String(format: "the first program sets %@ to %.3g, the second program to %.3g.", name, first, second)
    }
    let lines = ComponentGrammar.misfit.components.enumerated().flatMap { index, component -> [String] in
      let weight = change("the weight of \(component.name)", first.weights[index], second.weights[index])
      guard component.hasTemperature else { return [weight].compactMap { $0 } }
      return [
        weight,
        change("the temperature of \(component.name)", first.temperatures[index], second.temperatures[index]),
      ].compactMap { $0 }
    }
    return lines.isEmpty ? "the first and the second hardly differ." : lines.joined(separator: "\n")
  }

  func source(_ program: Program) -> String { ComponentGrammar.misfit.source(program) }
}
