import Basics
import Foundation
import ProgramCorpus
import RewardPrograms
import Schemas
import TestSupport
import Testing

/// What compiles gives in CPython, unchanged, the numbers it gives here.
@Suite struct DifferentialTests {
  /// `|a - b| <= tolerance × max(floor, |b|)`, or the same infinity, or both not a number. In single precision sums of
  /// values around 1 that cancel are off by an absolute 1e-6.
  private func agree(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
    return a == b || abs(a - b) <= tolerance * max(tolerance > 5e-6 ? 1 : 0.1, abs(b))
  }

  /// The same for a program whatever other programs there are.
  private func seed(_ name: String) -> UInt64 { name.utf8.reduce(7) { ($0 &* 31 &+ UInt64($1)) % 1_000_003 } }

  @Test func corpusAgreesWithCPython() throws {
    #expect(CorpusProgram.all.count >= 150)
    try check(CorpusProgram.all, rows: 37)
  }

  /// One paragraph of these files is the body of one function.
  @Test(arguments: ["idioms_numpy", "idioms_torch"]) func idiomsAgreeWithCPython(_ name: String) throws {
    let file = try #require(CorpusProgram.folder).appendingPathComponent("\(name).txt")
    let text = try String(contentsOf: file, encoding: .utf8)
    let header = try #require(text.firstRange(of: "):\n"))
    let idioms = text[header.upperBound...].split(separator: "\n\n").map { body in
      body.split(separator: "\n").map { "    \($0)\n" }.joined()
    }
    #expect(idioms.count >= 80)
    let entries = idioms.enumerated().map { index, body in
      CorpusProgram(name: "\(name)_\(index)", source: text[..<header.upperBound] + body)
    }
    try check(entries, rows: 11)
  }

  private func check(_ entries: [CorpusProgram], rows: Int) throws {
    var jobs: [CPythonJob] = []
    var programs: [RewardProgram] = []
    for entry in entries {
      do {
        let program = try RewardProgram.compile(
          entry.source, name: entry.name + ".py", schema: entry.schema, kind: entry.kind)
        programs.append(program)
        jobs.append(CPythonJob(entry, program, rows: rows, seed: seed(entry.name)))
      } catch {
        Issue.record("\(error)")
      }
    }
    let results = try runInCPython(jobs)
    for ((program, job), expected) in zip(zip(programs, jobs), results) {
      if let error = expected.error {
        Issue.record("\(job.name) fails in CPython: \(error)\n\(program.source)")
        continue
      }
      let found = try program.evaluate(job.inputs)
      let tolerance = program.precision == .single ? 1e-5 : 1e-6
      compare("\(job.name): total", found.reward, expected.reward ?? [], tolerance)
      #expect(Set(found.terms.map(\.name)) == Set((expected.terms ?? [:]).keys), "\(job.name)")
      for term in found.terms {
        compare("\(job.name): \(term.name)", term.values, expected.terms?[term.name] ?? [], tolerance)
      }
    }
  }

  private func compare(_ what: String, _ found: [Double], _ expected: [Double], _ tolerance: Double) {
    guard found.count == expected.count else {
      Issue.record("\(what): \(found.count) values, not \(expected.count)")
      return
    }
    if let row = found.indices.first(where: { !agree(found[$0], expected[$0], tolerance) }) {
      Issue.record("\(what), row \(row): \(found[row]), in CPython \(expected[row])")
    }
  }
}
