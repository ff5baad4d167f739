import Basics
import Endpoints
import Foundation
import Proposers

/// Stands in for the language model where none is at hand: writes the two forms that the prompt's recipe describes, from
/// the typed abstraction alone.
///
/// It finds the end effector, the object that is to be moved and the goal by the names and types of the declarations, and
/// reads of a conversation the instruction, whether an example has stages, and the tags of feedback ("want x = 0"). It
/// tests what is around the model, not a model's knowledge.
public struct RecipeCompiler: ChatModel {
  public enum Form: Sendable, Hashable {
    /// −a‖ee − obj‖ − b‖obj − goal‖ − c‖action‖, and a bonus inside a tolerance.
    case linear
    /// Reaching counts until within a tolerance; from there on a constant credit and the placing.
    case staged
  }

  /// The weights, the same for every task.
  public struct Constants: Sendable, Hashable {
    public var reach = 1.0
    public var place = 1.0
    public var effort = 0.01
    public var bonus = 1.0
    /// Metres around the object that count as reached, and around the goal that count as placed.
    public var reached = 0.08
    public var placed = 0.05
    /// What a first guess is worth once a person has said what they want.
    public var doubt = 0.1

    public init() {}
  }

  public let name = "recipe compiler"
  public let abstraction: EnvironmentAbstraction
  /// The form of the function; nil takes the form of the examples, and the linear sum without any.
  public let form: Form?
  public let constants: Constants

  public init(_ abstraction: EnvironmentAbstraction, form: Form? = nil, constants: Constants = Constants()) {
    (self.abstraction, self.form, self.constants) = (abstraction, form, constants)
  }

  /// - Throws: `GuerdonError` when the conversation holds no instruction, or the abstraction and the instruction together
  ///   nothing that the recipe knows.
  public func complete(_ request: ChatRequest) async throws -> ChatResponse {
    let said = request.messages.filter { $0.role == .user }.map(\.content).joined(separator: "\n")
    let lines = said.split(separator: "\n")
    guard let line = lines.last(where: { $0.hasPrefix(Text2Reward.instructionMark) }) else {
      throw GuerdonError.failure("The conversation that the recipe compiler was given holds no instruction.")
    }
    let instruction = String(line.dropFirst(Text2Reward.instructionMark.count))
    let examples = said.components(separatedBy: Text2Reward.exampleMark).dropFirst()
    let isStaged = examples.contains { example in CodeBlock.first(in: example)?.contains("else:") ?? false }
    let code = try code(
      for: instruction, form: form ?? (isStaged ? .staged : .linear), wishes: lines.compactMap(Self.wish))
    return ChatResponse(answers: Array(repeating: "The recipe, filled in:\n```python\n\(code)```\n", count: request.n))
  }

  /// An attribute and the value that a person wants of it.
  struct Wish: Sendable, Hashable {
    let path: String
    let value: Double
  }

  /// Reads "[want self.pole.angle = 0]".
  static func wish(_ line: Substring) -> Wish? {
    guard let match = line.wholeMatch(of: /\[want\s+([A-Za-z_.0-9]+)\s*=\s*(-?[0-9.]+)\]/), let value = Double(match.2)
    else { return nil }
    return Wish(path: String(match.1), value: value)
  }

  /// The function for an instruction.
  func code(for instruction: String, form: Form, wishes: [Wish]) throws -> String {
    let leaves = abstraction.leaves
    let effector = leaves.first { $0.attribute.name == "ee_position" }?.path
    let object = leaves.first { $0.owner == "RigidObject" && $0.attribute.name == "position" }?.path
    let goal = leaves.first { $0.attribute.name == "goal_position" }?.path
    if wishes.isEmpty, let effector, let object, let goal {
      return form == .linear
        ? linear(effector: effector, object: object, goal: goal) : staged(effector: effector, object: object, goal: goal)
    }
    if wishes.isEmpty, let effector, let goal { return reaching(effector: effector, goal: goal) }
    return try regulating(instruction, wishes: wishes)
  }

  private static let header = """
    import numpy as np


    def compute_dense_reward(self, action):

    """

  private func linear(effector: String, object: String, goal: String) -> String {
    Self.header + """
          # Metres throughout, so that reaching and placing weigh alike; effort only breaks ties.
          reach = np.linalg.norm(\(effector) - \(object))
          place = np.linalg.norm(\(object) - \(goal))
          effort = np.linalg.norm(action)
          bonus = \(constants.bonus) if place < \(constants.placed) else 0.0
          reach_term = -\(constants.reach) * reach
          place_term = -\(constants.place) * place
          effort_term = -\(constants.effort) * effort
          reward = reach_term + place_term + effort_term + bonus
          return reward, {"reach": reach_term, "place": place_term, "effort": effort_term, "bonus": bonus}

      """
  }

  private func staged(effector: String, object: String, goal: String) -> String {
    Self.header + """
          # First to the object; once there, reaching is credited in full and placing counts.
          reach = np.linalg.norm(\(effector) - \(object))
          place = np.linalg.norm(\(object) - \(goal))
          effort_term = -\(constants.effort) * np.linalg.norm(action)
          if reach > \(constants.reached):
              reach_term = \(constants.reach) * (1.0 - np.tanh(5.0 * reach))
              place_term = 0.0
          else:
              reach_term = \(constants.reach)
              place_term = 2.0 * \(constants.place) * (1.0 - np.tanh(5.0 * place))
              if place < \(constants.placed):
                  place_term = place_term + \(constants.bonus)
          reward = reach_term + place_term + effort_term
          return reward, {"reach": reach_term, "place": place_term, "effort": effort_term}

      """
  }

  private func reaching(effector: String, goal: String) -> String {
    Self.header + """
          # The distance in metres; effort only breaks ties.
          reach_term = -\(constants.reach) * np.linalg.norm(\(effector) - \(goal))
          effort_term = -\(constants.effort) * np.linalg.norm(action)
          return reach_term + effort_term, {"reach": reach_term, "effort": effort_term}

      """
  }

  /// Words that ask for little motion.
  private static let calm: Set<Substring> = ["still", "steady", "calm", "rest", "motionless", "quiet"]

  /// Costs on what should be small, by the instruction's words and by what a person asked for.
  private func regulating(_ instruction: String, wishes: [Wish]) throws -> String {
    let leaves = abstraction.leaves
    let words = Set(instruction.lowercased().split { !$0.isLetter })
    let rates = leaves.filter { $0.attribute.comment.hasPrefix("rad/s") || $0.attribute.comment.hasPrefix("m/s") }
    let doubt = wishes.isEmpty ? 1 : constants.doubt
    var terms: [(name: String, expression: String)] = []
    if !words.isDisjoint(with: Self.calm) {
      terms += rates.map { ("calm_\($0.attribute.name)", "-\(doubt) * \(size($0.path, $0.attribute.type))") }
    }
    for (number, wish) in wishes.enumerated() {
      guard let leaf = leaves.first(where: { $0.path == wish.path }) else {
        throw GuerdonError.failure(
          "The feedback asks for \(wish.path), which the abstraction does not declare."
            + suggestion(for: wish.path, among: leaves.map(\.path)))
      }
      terms.append(("wanted_\(number + 1)", "-\(size("(\(wish.path) - \(wish.value))", leaf.attribute.type))"))
    }
    guard !terms.isEmpty else {
      throw GuerdonError.failure(
        "The recipe compiler finds nothing that it knows in \"\(instruction)\": no end effector with a goal, and no word for calm with a speed to keep small. A language model may know more."
      )
    }
    terms.append(("effort", "-\(constants.effort) * np.linalg.norm(action)"))
    let lines = ["# What should be small, in its own unit; what a person asked for counts most."]
      + terms.map { "\($0.name) = \($0.expression)" }
      + [
        "reward = " + terms.map(\.name).joined(separator: " + "),
        "return reward, {" + terms.map { "\"\($0.name)\": \($0.name)" }.joined(separator: ", ") + "}",
      ]
    return Self.header + lines.map { "    \($0)\n" }.joined()
  }

  private func size(_ path: String, _ type: String) -> String {
    type == "float" ? "np.abs(\(path))" : "np.linalg.norm(\(path))"
  }
}
