import Foundation

/// A reward program as evolution sees it: a weighted sum of named terms.
struct Genome: Sendable, Hashable {
  struct Term: Sendable, Hashable {
    /// How a feature becomes a reward.
    enum Shape: String, Sendable, Hashable, Codable {
      /// x / T: more is better without end.
      case linear
      /// tanh(x / T): more is better up to a point.
      case saturating
      /// exp(−((x − c) / T)²): best at the target c.
      case target
      /// exp(−|x − c| / T): best at the target, with a pull from far away.
      case closeness
    }

    /// The half-space in which a term counts: `feature > threshold`, or its complement.
    struct Gate: Sendable, Hashable {
      var feature: Feature
      var threshold: Double
      var above: Bool
      /// A stage of the task: whoever is in the half-space earns the term's full weight for being there, and what the
      /// term's shape pays on top (the staged form of Text2Reward's knowledge block, arXiv 2309.11489).
      var isStage = false
    }

    var feature: Feature
    var shape: Shape
    var weight: Double
    var temperature: Double
    var center: Double
    var gate: Gate?

    /// Its shape's value before the weight.
    var isBounded: Bool { shape != .linear }
  }

  var terms: [Term]

  /// A program's text in two halves, between which its comment belongs.
  struct Text {
    var head, body: String

    func commented(_ comment: String) -> String { "\(head)    \"\"\"\(comment)\"\"\"\n\(body)" }
  }

  /// The program's text: numpy over one transition.
  var text: Text {
    var fields: [String] = []
    for term in terms {
      for field in term.feature.fields + (term.gate?.feature.fields ?? []) where !fields.contains(field) {
        fields.append(field)
      }
    }
    var lines: [String] = []
    let names = termNames
    for (name, term) in zip(names, terms) {
      let (constants, expression) = term.source(name: name)
      lines += (constants + ["\(name) = \(expression)"]).map { "    " + $0 }
    }
    lines.append("    total = " + names.joined(separator: " + "))
    lines.append("    return total, {" + names.map { "\"\($0)\": \($0)" }.joined(separator: ", ") + "}")
    return Text(
      head: "import numpy as np\n\n\ndef compute_reward(\(fields.joined(separator: ", "))):\n",
      body: lines.joined(separator: "\n") + "\n")
  }

  /// One name a term, made unique, and never that of an input.
  var termNames: [String] {
    var counts: [String: Int] = [:]
    return terms.map { term in
      let base = term.name
      counts[base, default: 0] += 1
      let count = counts[base] ?? 1
      return count == 1 ? base : "\(base)_\(count)"
    }
  }
}

extension Genome.Term {
  /// What the term rewards, as a Python identifier.
  var name: String {
    if feature.kind == .alive { return "staying_alive" }
    let prefix = weight < 0 ? "less" : "more"
    switch shape {
    case .linear, .saturating: return "\(prefix)_\(feature.name)"
    case .target, .closeness: return (weight < 0 ? "avoid_" : "keep_") + feature.name
    }
  }

  /// The term's named constants, and its expression over them.
  func source(name: String) -> (constants: [String], expression: String) {
    var constants: [String] = []
    let x = feature.source
    let temperature = "\(name)_temperature"
    if feature.kind != .alive { constants.append("\(temperature) = \(number(self.temperature))") }
    let centered = center == 0 ? x : "(\(x) - \(number(center, inExpression: true)))"
    var expression: String
    switch shape {
    case _ where feature.kind == .alive: expression = x
    case .linear: expression = "\(x) / \(temperature)"
    case .saturating: expression = "np.tanh(\(x) / \(temperature))"
    case .target: expression = "np.exp(-np.square(\(centered) / \(temperature)))"
    case .closeness: expression = "np.exp(-np.abs(\(centered)) / \(temperature))"
    }
    expression = "\(number(weight)) * \(expression)"
    if let gate {
      if gate.isStage { expression = "\(number(abs(weight))) + \(expression)" }
      let condition = "\(gate.feature.source) \(gate.above ? ">" : "<=") \(number(gate.threshold))"
      expression = "np.where(\(condition), \(expression), 0.0)"
    }
    return (constants, expression)
  }

  /// Three significant digits, always a Python float.
  private func number(_ value: Double, inExpression: Bool = false) -> String {
    var text = String(format: "%.3g", value)
    if !text.contains(".") && !text.contains("e") { text += ".0" }
    return inExpression && value < 0 ? "(\(text))" : text
  }
}
