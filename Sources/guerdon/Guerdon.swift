import ArgumentParser
import Basics
import Experiments
import Foundation

@main
struct Guerdon: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guerdon",
    abstract: "Write, generate, learn, compare and audit reward functions.",
    discussion: """
      Start with a task that comes with Guerdon:

        guerdon design cheetah-back

      Exit codes: 0 done and every claim held; 2 done but a claim or an audit did not hold; 64 a mistake on the \
      command line or in a task; 1 anything else: a program that does not check, a file that cannot be read, a run \
      stopped by Ctrl-C (130 by a second one).
      """,
    version: "0.1.0",
    subcommands: [
      Design.self, Train.self, Evaluate.self, Check.self, Eval.self, Format.self, Methods.self, Reproduce.self, Runs.self, Audit.self, Compare.self,
      Tasks.self,
      EnvironmentsCommand.self,
      Mechanism.self,
      Expressible.self,
      TrainCandidate.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let error as GuerdonError {
      complain("guerdon: \(error.message)\n")
      Foundation.exit(error.exitCode)
    } catch {
      exit(withError: error)
    }
  }
}

/// Prints one JSON object on standard output, keys sorted, and nothing else.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
