import ArgumentParser
import Basics
import Environments
import Experiments
import Foundation
import RewardDesign
import RewardPrograms
import Schemas

/// Static checks of a reward program.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a reward program against an environment's schema, without running it.")

  @Argument(help: "The program, a Python file.") var file: String
  @Option(name: [.customLong("env"), .customLong("environment")], help: "Environment id, for example HalfCheetah-v5.")
  var environment: String?
  @Option(help: "Task name or file; its reserved fields are closed to the program.") var task: String?
  @Option(help: "A JSON file of fields: {\"fields\": [{\"name\": \"obs\", \"shape\": [11]}, …]}.") var schema: String?
  @Flag(help: "The program is a fitness: it sees the columns of a whole episode.") var fitness = false
  @Flag(help: "Print one JSON object with every diagnostic.") var json = false

  func run() throws {
    let schema: Schema
    switch (environment, task, self.schema) {
    case (let id?, nil, nil): schema = try Environments.spec(id).schema
    case (nil, let name?, nil): schema = try DesignTask.load(name).schema
    case (nil, nil, let file?): schema = try Schema.load(URL(fileURLWithPath: file))
    default: throw GuerdonError.usage("Say what to check against: one of --env ID, --task TASK, --schema FILE.")
    }
    let source = try Files.readText(URL(fileURLWithPath: file))
    let program: RewardProgram
    do {
      program = try RewardProgram.compile(source, name: file, schema: schema, kind: fitness ? .fitness : .reward)
    } catch {
      if json {
        try printJSON(Report(ok: false, diagnostics: error.diagnostics, terms: []))
      } else {
        complain(error.description + "\n")
      }
      throw ExitCode(1)
    }
    if json { return try printJSON(Report(ok: true, diagnostics: program.warnings, terms: program.termNames)) }
    for warning in program.warnings { print(warning.rendered(name: file)) }
    let terms = program.termNames.isEmpty ? "no named terms" : "terms " + program.termNames.joined(separator: ", ")
    print("\(file) checks: \(terms); reads \(program.inputs.map(\.name).joined(separator: ", ")).")
  }

  private struct Report: Encodable {
    var ok: Bool
    var diagnostics: [Diagnostic]
    var terms: [String]
  }
}
