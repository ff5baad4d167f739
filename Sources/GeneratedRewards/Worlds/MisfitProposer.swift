import Basics
import Experiments
import Foundation
import Proposers

/// The rule-based stand-in for the language model of Eureka's loop: a seeded generator over nine reward components, and
/// a mutator that reads exactly what the reflection holds.
///
/// It tests the loop (sampling, selection, reflection), not a language model's knowledge.
struct MisfitProposer {
  /// One program: a weight and a temperature a component.
  struct Program: Hashable {
    var weights: [Double]
    var temperatures: [Double]
  }

  /// Component names, and each as Python over the world's fields; `T` stands for its temperature.
  static let components: [(name: String, source: String, hasTemperature: Bool)] = [
    ("toward_key", "np.where(has_key > 0.5, 0.0, np.exp(-key_distance / T))", true),
    ("toward_door", "np.where(has_key > 0.5, 1.0 + np.exp(-door_distance / T), 0.0)", true),
    ("pick_bonus", "picked", false),
    ("open_bonus", "opened", false),
    ("death_cost", "-dead", false),
    ("idling", "idle", false),
    ("going_left", "moved_left", false),
    ("near_corner", "np.exp(-corner_distance / T)", true),
    ("near_lava", "beside_lava", false),
  ]

  private var random: RandomGenerator

  init(seed: UInt64) { random = RandomGenerator(seed: seed) }

  /// The prior: log₁₀ w ~ U(−2.5, 2.5), log₁₀ T ~ U(−2.5, 1).
  mutating func sample() -> Program {
    Program(
      weights: Self.components.map { _ in pow(10, random.uniform(-2.5, 2.5)) },
      temperatures: Self.components.map { _ in pow(10, random.uniform(-2.5, 1)) })
  }

  /// A mutation. With a digest of the terms, by the reflection advice; with none, by chance alone.
  mutating func mutate(_ parent: Program, fitness: [Double], terms: [TrainingDigest.Series]?) -> Program {
    // Advice 1: a score near its floor throughout calls for another program. Standing still scores 0.1; both arms see
    // the scores, so both may follow this advice.
    if let best = fitness.max(), best < 0.25 { return sample() }
    var child = parent
    if let terms, random.uniform() < 0.9 {
      mend(&child, fitness: fitness, terms: terms)
    } else {
      vary(&child)
    }
    return child
  }

  /// Advice 2 to 4: analyse each component by its curve and the score's, then change what the analysis blames.
  private mutating func mend(_ program: inout Program, fitness: [Double], terms: [TrainingDigest.Series]) {
    let sizes = terms.map { series in series.values.map { abs($0) }.reduce(0, +) / Double(max(series.values.count, 1)) }
    let total = sizes.reduce(0, +)
    for index in terms.indices {
      let share = total > 0 ? sizes[index] / total : 0
      let correlation = Statistics.pearson(terms[index].values, fitness)
      let rises = correlation.isFinite && correlation > 0.3
      if share > 0.1 && !rises {
        // Advice 3: large, and no help to the score: rescale.
        if random.uniform() < 0.6 { program.weights[index] *= pow(10, -random.uniform(0, 2.5)) }
      } else if share > 0.5 {
        // Large and rising with the score: it may still drown what should come next.
        if random.uniform() < 0.3 { program.weights[index] *= pow(10, -random.uniform(0, 1)) }
      } else if share < 0.02 && random.uniform() < 0.3 {
        // Advice 2: too small or too constant to be learned from: another temperature, or a size that is felt.
        if Self.components[index].hasTemperature && random.uniform() < 0.5 {
          program.temperatures[index] = pow(10, random.uniform(-2.5, 1))
        } else {
          program.weights[index] *= pow(10, random.uniform(0, 1.5))
        }
      }
    }
  }

  private mutating func vary(_ program: inout Program) {
    let index = random.integer(below: Self.components.count)
    if Self.components[index].hasTemperature && random.uniform() < 0.5 {
      program.temperatures[index] *= pow(10, 0.7 * random.normal())
    } else {
      program.weights[index] *= pow(10, 0.7 * random.normal())
    }
  }

  /// The program's text: what the loop compiles, and what a person would read.
  static func source(_ program: Program) -> String {
    var lines = ["import numpy as np", ""]
    lines.append("def compute_reward(\(MisfitWorld.schema.fields.map(\.name).joined(separator: ", "))):")
    for (index, component) in components.enumerated() {
      let temperature = String(format: "%.4g", program.temperatures[index])
      let expression = component.source.replacingOccurrences(of: "T)", with: "\(component.name)_temperature)")
      if component.hasTemperature { lines.append("    \(component.name)_temperature = \(temperature)") }
      lines.append("    \(component.name) = \(String(format: "%.4g", program.weights[index])) * \(expression)")
    }
    let names = components.map(\.name)
    lines.append("    total = \(names.joined(separator: " + "))")
    lines.append("    return total, {\(names.map { "\"\($0)\": \($0)" }.joined(separator: ", "))}")
    return lines.joined(separator: "\n") + "\n"
  }
}
