import Foundation
import ProgramCorpus
import Testing

/// Whatever is typed, the compiler answers with a program or with diagnostics, and a program that it accepts runs.
///
/// Thirty seconds with a new seed every day; `make fuzz` goes on for millions. The inputs in progress lie in mapped files, so
/// that one that crashes is not lost.
@Suite struct FuzzTests {
  @Test func damagedProgramsDoNoHarm() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-fuzz")
    let seed = UInt64(Date().timeIntervalSince1970 / 86_400) << 8
    let tally = try ProgramFuzzer.run(inputs: .max, seconds: 30, seed: seed, threads: 2, keepingLastIn: folder)
    #expect(tally.findings.isEmpty, "seed \(seed): \(tally.findings.joined(separator: "\n\n"))")
    #expect(tally.inputs > 1000 && tally.accepted > 100 && tally.formatted > 100)
  }
}
