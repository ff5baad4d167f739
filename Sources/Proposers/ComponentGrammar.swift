import Basics
import Foundation
import Schemas

/// Reward programs that are sums of named components w · φ(x; T), each with its weight and perhaps a temperature.
public struct ComponentGrammar: Sendable {
  public struct Component: Sendable, Hashable {
    public let name: String
    /// φ as Python over the fields; "{T}" stands for the temperature.
    public let expression: String

    public var hasTemperature: Bool { expression.contains("{T}") }

    public init(_ name: String, _ expression: String) { (self.name, self.expression) = (name, expression) }
  }

  /// One program: a weight and a temperature a component.
  public struct Program: Sendable, Hashable {
    public var weights: [Double]
    public var temperatures: [Double]

    public init(weights: [Double], temperatures: [Double]) {
      (self.weights, self.temperatures) = (weights, temperatures)
    }
  }

  /// The function's parameters: names of fields.
  public let parameters: [String]
  public let components: [Component]

  public init(parameters: [String], components: [Component]) {
    (self.parameters, self.components) = (parameters, components)
  }

  /// What can be built on a schema's quantities: how near each is to nothing, and of those with a sign how large it is,
  /// in units of its range.
  ///
  /// - Throws: `GuerdonError` when the schema has no field that a reward may use.
  public init(schema: Schema) throws {
    let features = Feature.all(of: schema).filter { feature in
      if case .component = feature.kind { return feature.columns.count == 1 }
      return feature.kind != .alive
    }
    guard !features.isEmpty else {
      throw GuerdonError.failure("The schema of \(schema.environment) has no field that a reward may use.")
    }
    var parameters: [String] = [], components: [Component] = []
    for feature in features {
      for field in feature.fields where !parameters.contains(field) { parameters.append(field) }
      let largest = max(abs(feature.low), abs(feature.high))
      let scale = largest.isFinite && largest > 0 ? Self.figures(largest) : "1.0"
      components.append(
        Component("near_\(feature.name)", "np.exp(-np.abs(\(feature.source)) / (\(scale) * {T}))"))
      if feature.low < 0 { components.append(Component("high_\(feature.name)", "\(feature.source) / \(scale)")) }
    }
    self.init(parameters: parameters, components: components)
  }

  private static func figures(_ value: Double) -> String { String(format: "%.4g", value) }

  /// The program's text: what is compiled, and what a person would read.
  public func source(_ program: Program) -> String {
    var lines = ["import numpy as np", "", "def compute_reward(\(parameters.joined(separator: ", "))):"]
    for (index, component) in components.enumerated() {
      if component.hasTemperature {
        lines.append("    \(component.name)_temperature = \(Self.figures(program.temperatures[index]))")
      }
      lines.append("    \(component.name)_weight = \(Self.figures(program.weights[index]))")
      let shape = component.expression.replacingOccurrences(of: "{T}", with: "\(component.name)_temperature")
      lines.append("    \(component.name) = \(component.name)_weight * \(shape)")
    }
    let names = components.map(\.name)
    lines.append("    total = \(names.joined(separator: " + "))")
    lines.append("    return total, {\(names.map { "\"\($0)\": \($0)" }.joined(separator: ", "))}")
    return lines.joined(separator: "\n") + "\n"
  }

  /// The weights and temperatures that a text names, in the order of `names`, and which of them it has; nil when it names
  /// no weight of some component.
  public static func read(
    _ source: String, names: [String]
  ) -> (program: Program, hasTemperature: [Bool])? {
    func constant(_ name: String) -> Double? {
      source.split(separator: "\n").lazy.compactMap { line -> Double? in
        let sides = line.split(separator: "=", maxSplits: 1)
        guard sides.count == 2, sides[0].trimmingCharacters(in: .whitespaces) == name else { return nil }
        return Double(sides[1].trimmingCharacters(in: .whitespaces))
      }.first
    }
    let weights = names.map { constant("\($0)_weight") }
    guard !weights.contains(nil) else { return nil }
    let temperatures = names.map { constant("\($0)_temperature") }
    return (
      Program(weights: weights.compactMap { $0 }, temperatures: temperatures.map { $0 ?? 1 }),
      temperatures.map { $0 != nil }
    )
  }

  /// The text with other weights and temperatures of the components `names`, everything else as it is.
  public static func rewrite(_ source: String, names: [String], as program: Program) -> String {
    var values: [String: Double] = [:]
    for (index, name) in names.enumerated() {
      values["\(name)_weight"] = program.weights[index]
      values["\(name)_temperature"] = program.temperatures[index]
    }
    return source.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      let name = line.split(separator: "=", maxSplits: 1).first?.trimmingCharacters(in: .whitespaces) ?? ""
      guard line.contains("="), let value = values[name] else { return String(line) }
      return "\(line.prefix { $0 == " " })\(name) = \(figures(value))"
    }.joined(separator: "\n")
  }
}

/// The rule-based stand-in for a language model in a search by reflection: a seeded prior over the grammar, and a mutator
/// that reads exactly what the reflection holds.
///
/// It tests the loop (sampling, selection, reflection), not a language model's knowledge.
public struct ComponentWriter: Sendable {
  public struct Prior: Sendable, Hashable {
    /// log₁₀ w and log₁₀ T are uniform over these.
    public var weights: ClosedRange<Double>
    public var temperatures: ClosedRange<Double>
    /// A best score below this calls for another program.
    public var hopeless: Double

    public init(weights: ClosedRange<Double>, temperatures: ClosedRange<Double>, hopeless: Double) {
      (self.weights, self.temperatures, self.hopeless) = (weights, temperatures, hopeless)
    }
  }

  public let grammar: ComponentGrammar
  public let prior: Prior
  private var random: RandomGenerator

  public init(_ grammar: ComponentGrammar, prior: Prior, seed: UInt64) {
    (self.grammar, self.prior) = (grammar, prior)
    random = RandomGenerator(seed: seed)
  }

  public mutating func sample() -> ComponentGrammar.Program {
    ComponentGrammar.Program(
      weights: grammar.components.map { _ in weight() }, temperatures: grammar.components.map { _ in temperature() })
  }

  private mutating func weight() -> Double {
    pow(10, random.uniform(prior.weights.lowerBound, prior.weights.upperBound))
  }

  private mutating func temperature() -> Double {
    pow(10, random.uniform(prior.temperatures.lowerBound, prior.temperatures.upperBound))
  }

  /// A mutation. With a digest of the terms, by the reflection advice; with none, by chance alone. Nil calls for another
  /// program altogether.
  /// - Parameters:
  ///   - hasTemperature: which of the parent's components have one.
  ///   - fitness: one value a checkpoint.
  ///   - terms: one series a component, in their order.
  public mutating func mutate(
    _ parent: ComponentGrammar.Program, hasTemperature: [Bool], fitness: [Double], terms: [[Double]]?
  ) -> ComponentGrammar.Program? {
    // Advice 1: a score near its floor throughout calls for another program; whoever sees the scores may follow it.
    if let best = fitness.max(), best < prior.hopeless { return nil }
    var child = parent
    if let terms, random.uniform() < 0.9 {
      mend(&child, hasTemperature: hasTemperature, fitness: fitness, terms: terms)
    } else {
      vary(&child, hasTemperature: hasTemperature)
    }
    return child
  }

  /// Advice 2 to 4: analyse each component by its curve and the score's, then change what the analysis blames.
  private mutating func mend(
    _ program: inout ComponentGrammar.Program, hasTemperature: [Bool], fitness: [Double], terms: [[Double]]
  ) {
    let sizes = terms.map { values in values.map { abs($0) }.reduce(0, +) / Double(max(values.count, 1)) }
    let total = sizes.reduce(0, +)
    for index in terms.indices {
      let share = total > 0 ? sizes[index] / total : 0
      let rises = FeatureStatistics.pearson(terms[index], fitness, least: 0) > 0.3
      if share > 0.1 && !rises {
        // Advice 3: large, and no help to the score: rescale.
        if random.uniform() < 0.6 { program.weights[index] *= pow(10, -random.uniform(0, 2.5)) }
      } else if share > 0.5 {
        // Large and rising with the score: it may still drown what should come next.
        if random.uniform() < 0.3 { program.weights[index] *= pow(10, -random.uniform(0, 1)) }
      } else if share < 0.02 && random.uniform() < 0.3 {
        // Advice 2: too small or too constant to be learned from: another temperature, or a size that is felt.
        if hasTemperature[index] && random.uniform() < 0.5 {
          program.temperatures[index] = temperature()
        } else {
          program.weights[index] *= pow(10, random.uniform(0, 1.5))
        }
      }
    }
  }

  private mutating func vary(_ program: inout ComponentGrammar.Program, hasTemperature: [Bool]) {
    let index = random.integer(below: program.weights.count)
    if hasTemperature[index] && random.uniform() < 0.5 {
      program.temperatures[index] *= pow(10, 0.7 * random.normal())
    } else {
      program.weights[index] *= pow(10, 0.7 * random.normal())
    }
  }

  /// What a person asked for: the components whose names hold this word weigh more.
  public mutating func emphasize(
    _ word: String, in parent: ComponentGrammar.Program, names: [String], hasTemperature: [Bool]
  ) -> ComponentGrammar.Program {
    var child = parent
    for index in names.indices where names[index].contains(word) {
      child.weights[index] *= pow(10, random.uniform(0, 1.5))
    }
    vary(&child, hasTemperature: hasTemperature)
    return child
  }
}
