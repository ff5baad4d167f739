import ArgumentParser
import Environments
import Foundation
import RewardDesign
import Schemas

/// What there is to act in, and what a program may read there.
struct EnvironmentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "environments", abstract: "List the environments, or one's fields as a reward program sees them.")

  @Argument(help: "Environment id; without it, all are listed.") var id: String?
  @Flag(help: "Print one JSON object.") var json = false

  func run() throws {
    guard let id else {
      if json { return try printJSON(["environments": Environments.ids]) }
      for id in Environments.ids { print(id) }
      return
    }
    let spec = try Environments.spec(id)
    if json { return try printJSON(["fields": spec.schema.fields]) }
    print("\(spec.id)\n\n\(spec.summary)\n")
    print("Episodes end after \(spec.maxEpisodeSteps) steps at the latest. Fields of a transition:\n")
    let names = spec.schema.fields.map { $0.shape.isEmpty ? $0.name : "\($0.name)\($0.shape)" }
    let width = names.map(\.count).max() ?? 0
    for (name, field) in zip(names, spec.schema.fields) {
      let padded = name.padding(toLength: width, withPad: " ", startingAt: 0)
      let unit = field.unit == "1" ? "" : " [\(field.unit)]"
      print("  \(padded)  \(field.meaning)\(unit)\(range(field))\(field.fitnessOnly ? " (fitness only)" : "")")
    }
  }

  private func range(_ field: Field) -> String {
    field.low == -.infinity && field.high == .infinity ? "" : ", \(bound(field.low)) to \(bound(field.high))"
  }

  private func bound(_ value: Double) -> String {
    value.isInfinite ? (value < 0 ? "-∞" : "∞") : String(format: "%.4g", value)
  }
}

/// The tasks that come with Guerdon.
struct Tasks: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the tasks that come with Guerdon.")

  @Flag(help: "Print one JSON object.") var json = false

  func run() throws {
    let tasks = try DesignTask.bundled.map { try DesignTask.Outline($0) }
    if json { return try printJSON(["tasks": tasks]) }
    for task in tasks { print("\(task.name)  (\(task.environment))\n  \(task.goal)\n") }
  }
}
