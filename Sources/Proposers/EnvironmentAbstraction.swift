import Foundation
import Schemas

/// An environment as a language model is shown it: Python classes whose attributes are the schema's fields, each with
/// its shape, unit, range and meaning.
///
/// Source: Text2Reward (arXiv 2309.11489), the class abstraction of its prompts. What only the fitness may read is left
/// out, and so is whatever speaks of a reward: that the environment's own reward is in the text would invalidate a
/// comparison with it (Eureka, arXiv 2310.12931, section 2).
public enum EnvironmentAbstraction {
  /// The fields that are shown.
  public static func fields(of schema: Schema) -> [Field] {
    schema.fields.filter { !$0.fitnessOnly && !speaksOfReward($0.name) && !speaksOfReward($0.meaning) }
  }

  private static func speaksOfReward(_ text: String) -> Bool {
    let text: String = text.lowercased()
    return text.contains("reward") || text.contains("pays")
  }

  /// The summary without the clauses that speak of a reward.
  private static func told(_ summary: String) -> String {
    let sentences: [String] = summary.components(separatedBy: ". ").compactMap { sentence in
      let clauses: [String] = sentence.components(separatedBy: "; ").filter { !speaksOfReward($0) }
      return clauses.isEmpty ? nil : clauses.joined(separator: "; ")
    }
    let text: String = sentences.joined(separator: ". ")
    return text.isEmpty || text.hasSuffix(".") ? text : text + "."
  }

  /// A field called `self.robot.arm.angle` becomes the attribute `angle` of a class for `self.robot.arm`, which is an
  /// attribute of the one for `self.robot`; every other one an attribute of the environment's class.
  public static func text(_ schema: Schema, summary: String) -> String {
    var objects: [[String]] = [[]]
    var attributes: [[String]: [String]] = [:]
    for field: Field in fields(of: schema) {
      let path: [String] = self.path(of: field.name)
      let owner: [String] = Array(path.dropLast())
      for depth: Int in 0..<owner.count where !objects.contains(Array(owner.prefix(depth + 1))) {
        let object: [String] = Array(owner.prefix(depth + 1))
        objects.append(object)
        attributes[Array(object.dropLast()), default: []].append("\(object[depth]): \(className(object))")
      }
      attributes[owner, default: []].append(attribute(field, name: path.last ?? field.name))
    }
    let summary: String = told(summary)
    let identifier = String(schema.environment.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    return objects.map { object -> String in
      var lines: [String] = object.isEmpty ? ["class \(identifier):"] : ["class \(className(object)):"]
      if object.isEmpty, !summary.isEmpty { lines.append("    \"\"\"\(summary)\"\"\"") }
      return (lines + (attributes[object] ?? ["pass"]).map { "    \($0)" }).joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// How a program may begin and end.
  public static func signature(_ schema: Schema) -> String {
    let names: [String] = fields(of: schema).map(\.name).filter { !["obs", "next_obs", "step"].contains($0) }
    let isMethod: Bool = names.contains { $0.hasPrefix("self.") }
    let parameters: String = isMethod ? "self, action" : names.prefix(3).joined(separator: ", ")
    return """
      import numpy as np

      def compute_reward(\(parameters)):  # \(isMethod ? "fields are read as self.…" : "any of the fields")
          ...
          return total, {"first_component": first_component, "second_component": second_component}
      """
  }

  /// `self.a.b` in steps, without `self`; a name that is no such path is one step.
  private static func path(of name: String) -> [String] {
    let steps: [String] = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let isPath: Bool = steps.count > 1 && steps.allSatisfy { $0.wholeMatch(of: /[A-Za-z_]\w*/) != nil }
    guard isPath else { return [name] }
    return steps[0] == "self" ? Array(steps.dropFirst()) : steps
  }

  private static func className(_ object: [String]) -> String {
    object.joined(separator: "_").split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  private static func attribute(_ field: Field, name: String) -> String {
    var facts: [String] = []
    if !field.shape.isEmpty {
      let sizes: String = field.shape.map { "\($0)" }.joined(separator: ", ")
      facts.append("shape (\(sizes)\(field.shape.count == 1 ? "," : ""))")
    }
    if field.unit != "1" { facts.append(field.unit) }
    switch (field.low.isFinite, field.high.isFinite) {
    case (true, true): facts.append("from \(number(field.low)) to \(number(field.high))")
    case (true, false): facts.append("at least \(number(field.low))")
    case (false, true): facts.append("at most \(number(field.high))")
    case (false, false): facts.append("unbounded")
    }
    if field.shared { facts.append("the same in every row") }
    let type: String = field.shape.isEmpty ? "float" : "np.ndarray"
    return "\(name): \(type)  # \(facts.joined(separator: "; ")). \(field.meaning)"
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
}
