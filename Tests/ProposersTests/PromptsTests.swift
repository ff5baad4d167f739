import Basics
import Foundation
import Schemas
import Testing

@testable import Proposers

@Suite struct PromptsTests {
  /// A folder with the program's own prompts, to be spoilt.
  private func folder() throws -> URL {
    let folder: URL = FileManager.default.temporaryDirectory
      .appendingPathComponent("guerdon-prompts-\(UUID().uuidString)")
    try Files.createDirectory(folder)
    for part in Prompts.Part.allCases {
      let gaps = Dictionary(uniqueKeysWithValues: part.gaps.map { ($0, "{{\($0)}}") })
      let text: String = try Prompts.embedded().text(part, gaps)
      try Files.write(text, to: folder.appendingPathComponent("\(part.rawValue).txt"))
    }
    return folder
  }

  private func said(_ folder: URL) -> String {
    do {
      _ = try Prompts(folder: folder)
    } catch {
      return "\(error)"
    }
    return ""
  }

  @Test func theFilesAtTheTopAreTheOnesInTheProgram() throws {
    let top = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Prompts").standardized
    let (files, own) = (try Prompts(folder: top), try Prompts.embedded())
    for part in Prompts.Part.allCases { #expect(files.text(part) == own.text(part)) }
  }

  @Test func everyGapIsUsed() throws {
    for part in Prompts.Part.allCases {
      for gap in part.gaps where (part, gap) != (.person, "statistics") {
        #expect(try Prompts.embedded().text(part, [gap: "<marked>"]).contains("<marked>"), "\(part): \(gap)")
      }
    }
  }

  /// Eureka's four pieces of advice.
  @Test func theReflectionAdvises() throws {
    let text = try Prompts.embedded().text(.reflection)
    for piece in ["near its lowest", "hardly change", "far larger", "before you write code"] {
      #expect(text.contains(piece))
    }
  }

  @Test func editedFilesAreUsed() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try Files.write(
      "Do {{ goal }} in {{environment}}{{goal}} {not a gap} {{ nor this }} \n",
      to: folder.appendingPathComponent("task.txt"))
    let prompts = try Prompts(folder: folder)
    #expect(
      prompts.text(.task, ["goal": "{{environment}}", "environment": "E"])
        == "Do {{environment}} in E{{environment}} {not a gap} {{ nor this }}")
  }

  @Test func whatIsMissingOrUnknownIsNamed() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let task = folder.appendingPathComponent("task.txt"), language = folder.appendingPathComponent("language.txt")
    try Files.write("First\n{{goal}} and {{enviroment}}", to: task)
    #expect(
      said(folder) == "\(task.path), line 2: nothing fills the gap {{enviroment}}; this file may have {{environment}} "
        + "and {{goal}}. Did you mean \"environment\"?")
    try FileManager.default.removeItem(at: task)
    #expect(said(folder) == "The folder of prompts \(folder.path) has no task.txt; copy it from Guerdon's Prompts/.")
    try Files.write("{{goal}}", to: task)
    try Files.write("{{goal}}", to: language)
    #expect(said(folder).contains("language.txt, line 1: nothing fills the gap {{goal}}; this file has none."))
    #expect(said(folder.appendingPathComponent("nowhere")).contains("has no system.txt"))
  }

  @Test func theAbstractionIsTyped() {
    let schema = Schema(
      environment: "Arm-v1",
      fields: [
        Field("self.robot.ee_pose.p", shape: [3], unit: "m", meaning: "Hand."),
        Field("self.robot.grip", low: 0, high: 1, meaning: "Opening."),
        Field("action", shape: [7], low: -1, high: 1, meaning: "Torques."),
        Field("height", unit: "m", low: 0.5, meaning: "Up."),
      ])
    #expect(
      EnvironmentAbstraction.text(schema, summary: "An arm.") == """
        class Arm_v1:
            \"""An arm.\"""
            robot: Robot
            action: np.ndarray  # shape (7,); from -1 to 1. Torques.
            height: float  # m; at least 0.5. Up.

        class Robot:
            ee_pose: RobotEePose
            grip: float  # from 0 to 1. Opening.

        class RobotEePose:
            p: np.ndarray  # shape (3,); m; unbounded. Hand.
        """)
    #expect(EnvironmentAbstraction.signature(schema).contains("def compute_reward(self, action):"))
  }
}
