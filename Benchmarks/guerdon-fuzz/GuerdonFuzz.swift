import ArgumentParser
import Foundation
import ProgramCorpus

/// Tries damaged reward programs for as long as it is told, on all cores: `guerdon-fuzz --inputs 10000000`.
@main
struct GuerdonFuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guerdon-fuzz",
    abstract: "Feed damaged reward programs to the compiler, the formatter and the native executor.")

  @Option(help: "Inputs to try.") var inputs = 10_000_000
  @Option(help: "Stop after so many seconds.") var seconds = Double.infinity
  @Option(help: "Seed; every thread counts on from it.") var seed: UInt64 = 1
  @Option(help: "Threads.") var threads = ProcessInfo.processInfo.activeProcessorCount
  @Option(help: "Folder for the inputs in progress, so that one that crashes is not lost.") var last = "runs/fuzz"

  func run() throws {
    let start = Date()
    let tally = try ProgramFuzzer.run(
      inputs: inputs, seconds: seconds, seed: seed, threads: threads, keepingLastIn: URL(fileURLWithPath: last))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    print(String(decoding: try encoder.encode(tally), as: UTF8.self))
    FileHandle.standardError.write(Data("\(Int(Date().timeIntervalSince(start))) s\n".utf8))
    if !tally.findings.isEmpty { throw ExitCode(1) }
  }
}
