import Agents
import Basics
import Environments
import Foundation
import RewardAudit
import RewardPrograms
import Schemas

/// A task: an environment, a goal in words, a fitness, and what may be spent on it.
public struct DesignTask: Sendable {
  /// What a design run may spend. All steps are environment steps.
  public struct Budget: Sendable, Hashable, Codable {
    /// Rounds of proposing and training.
    public var generations = 3
    /// Programs tried in each generation.
    public var candidates = 8
    /// Training of one candidate.
    public var steps = 100_000
    /// Training of one policy in the final comparison.
    public var finalSteps = 200_000
    /// Fresh seeds of the final comparison.
    public var finalSeeds = 5

    public init() {}
  }

  /// What a person wrote for the same goal, to compare with.
  public enum HumanReward: Sendable {
    /// The environment's own reward is meant for this goal.
    case environment
    case program(RewardProgram)
  }

  public let name: String
  public let environment: EnvironmentSpec
  public let goal: String
  /// Steps after which an episode is truncated.
  public let maxEpisodeSteps: Int
  /// One number an episode, larger is better; no reward program ever sees it.
  public let fitness: RewardProgram
  /// The fitness from which the task counts as done, if there is such a value.
  public let success: Double?
  public let human: HumanReward?
  /// The environment's schema, with the task's reserved fields marked as fitness-only.
  public let schema: Schema
  public var budget: Budget
  /// The file's text, kept in the run.
  public let text: String
}

extension DesignTask {
  /// Reads a task from a YAML file, or one of the tasks that come with Guerdon from its name.
  /// - Throws: `GuerdonError` for a missing or malformed file, an unknown key, environment or field, or a program that
  ///   does not check; the message names the file and the line.
  public static func load(_ nameOrPath: String) throws -> DesignTask {
    let url = try locate(nameOrPath)
    return try DesignTask(text: try Files.readText(url), file: url.lastPathComponent)
  }

  /// The tasks that come with Guerdon: `Tasks/` under the current directory or above the executable.
  public static var bundled: [URL] {
    guard let folder = tasksDirectory else { return [] }
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.pathExtension == "yaml" }.sorted { $0.path < $1.path }
  }

  /// What a task's file says of itself, read without making its environment.
  public struct Outline: Sendable, Codable {
    public var name: String
    public var environment: String
    public var goal: String

    /// - Throws: `GuerdonError` when the file is missing or no task.
    public init(_ url: URL) throws {
      let yaml = try StrictYAML(Files.readText(url), file: url.lastPathComponent)
      let root = try yaml.mapping(yaml.root, called: "the task", keys: DesignTask.keys)
      name = try root.string("name") ?? url.deletingPathExtension().lastPathComponent
      environment = try root.required("environment", root.string("environment"))
      goal = try root.required("goal", root.string("goal")).trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  private static let keys = [
    "name", "environment", "goal", "max_episode_steps", "fitness", "success", "human_reward", "fitness_only", "budget",
  ]

  private static var tasksDirectory: URL? {
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    let candidates = [here, Dependencies.directory?.deletingLastPathComponent()].compactMap { $0 }
    return candidates.map { $0.appendingPathComponent("Tasks") }.first {
      FileManager.default.fileExists(atPath: $0.path)
    }
  }

  private static func locate(_ nameOrPath: String) throws -> URL {
    let url = URL(fileURLWithPath: nameOrPath)
    if nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml") {
      guard FileManager.default.fileExists(atPath: url.path) else {
        throw GuerdonError.usage("There is no task file \(nameOrPath).")
      }
      return url
    }
    let tasks = bundled
    if let match = tasks.first(where: { $0.deletingPathExtension().lastPathComponent == nameOrPath }) { return match }
    let names = tasks.map { $0.deletingPathExtension().lastPathComponent }
    let known = names.isEmpty ? "no tasks were found in Tasks/" : "the tasks are \(names.joined(separator: ", "))"
    throw GuerdonError.usage(
      "There is no task \"\(nameOrPath)\": \(known); a path to a YAML file also works."
        + suggestion(for: nameOrPath, among: names))
  }

  /// - Throws: `GuerdonError`, as `load(_:)`.
  public init(text: String, file: String) throws {
    let yaml = try StrictYAML(text, file: file)
    let root = try yaml.mapping(yaml.root, called: "the task", keys: Self.keys)
    self.text = text
    name = try root.string("name") ?? (file as NSString).deletingPathExtension
    goal = try root.required("goal", root.string("goal")).trimmingCharacters(in: .whitespacesAndNewlines)
    let id = try root.required("environment", root.string("environment"))
    do {
      environment = try Environments.spec(id)
    } catch let error as GuerdonError {
      throw root.error("environment", error.message)
    }
    let limit = environment.maxEpisodeSteps
    maxEpisodeSteps = try root.integer("max_episode_steps", in: 1...limit) ?? limit
    var schema = environment.schema
    let reserved = try root.strings("fitness_only") ?? []
    for field in reserved where schema[field] == nil {
      throw root.error(
        "fitness_only", "\(id) has no field \"\(field)\"." + suggestion(for: field, among: schema.fields.map(\.name)))
    }
    schema = schema.reserving(forFitness: Set(reserved))
    self.schema = schema
    success = try root.number("success")
    fitness = try root.program(
      "fitness", root.required("fitness", root.string("fitness")), schema: schema, kind: .fitness)
    human = try root.string("human_reward").map { text in
      let word = text.trimmingCharacters(in: .whitespacesAndNewlines)
      if word.hasSuffix(".py"), !word.contains("\n") {
        throw GuerdonError.usage(
          "human_reward is a program's text, or \"environment\": put what \(word) says under \"human_reward: |\", indented.")
      }
      return word == "environment"
        ? .environment : .program(try root.program("human_reward", text, schema: schema, kind: .reward))
    }
    var budget = Budget()
    if let node = root["budget"] {
      let keys = ["generations", "candidates", "steps", "final_steps", "final_seeds"]
      let map = try yaml.mapping(node, called: "budget", keys: keys)
      budget.generations = try map.integer("generations", in: 1...1_000) ?? budget.generations
      budget.candidates = try map.integer("candidates", in: 1...10_000) ?? budget.candidates
      budget.steps = try map.integer("steps", in: 1_000...1_000_000_000) ?? budget.steps
      budget.finalSteps = try map.integer("final_steps", in: 1_000...1_000_000_000) ?? budget.finalSteps
      budget.finalSeeds = try map.integer("final_seeds", in: 2...1_000) ?? budget.finalSeeds
    }
    self.budget = budget
  }
}

extension Clip {
  /// An episode of the task; what its fitness reads is traced first.
  /// - Throws: `GuerdonError` when the environment fails.
  public static func film(_ policy: Policy, of task: DesignTask, seed: UInt64) throws -> Clip {
    try film(
      policy, in: task.environment.limited(to: task.maxEpisodeSteps), watched: Set(task.fitness.inputs.map(\.name)),
      seed: seed)
  }
}
