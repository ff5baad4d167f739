import ArgumentParser
import Basics
import Foundation

@main struct GuerdonBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guerdon-bench",
    abstract: "Measures Guerdon and its peers in turn and prints the ratios.",
    discussion: "Exits with 2 if a ratio falls short, with 1 if a row could not be measured.",
    subcommands: [ParityCommand.self])

  @Option(help: "Measure only the rows whose name contains this text (case does not matter).")
  var rows = ""

  @Option(help: "Also write the results to this file.")
  var json: String?

  func run() throws {
    do {
      try measure()
    } catch let error as GuerdonError {
      FileHandle.standardError.write(Data("Error: \(error.message)\n".utf8))
      throw ExitCode(error.exitCode)
    }
  }

  private func measure() throws {
    let chosen = Row.all.filter { rows.isEmpty || $0.name.localizedCaseInsensitiveContains(rows) }
    guard !chosen.isEmpty else {
      let names = Row.all.map { "  " + $0.name }.joined(separator: "\n")
      throw GuerdonError.usage("No row's name contains \"\(rows)\". The rows are:\n\(names)")
    }
    var results: [Result] = []
    var failed = 0
    for row in chosen {
      do {
        results.append(try row.measure { say($0) })
      } catch let error as GuerdonError {
        say("\(row.name): \(error.message)")
        failed += 1
      }
    }
    if !results.isEmpty { print(table(results)) }
    if let json { try write(results, to: URL(fileURLWithPath: json)) }
    if failed > 0 { throw ExitCode(1) }
    if results.contains(where: { !$0.holds }) { throw ExitCode(2) }
  }

  private func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}
