import Foundation
import ProgramCorpus
import RewardPrograms
import Schemas
import Testing

/// The examples of docs/reward-programs.md compile without a warning, and CPython agrees with them.
@Suite struct DocumentationTests {
  @Test func examplesRun() throws {
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/reward-programs.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let blocks = text.components(separatedBy: "```python\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n```").first
    }
    #expect(blocks.count >= 4)
    var jobs: [CPythonJob] = []
    var found: [RewardProgram.Evaluation] = []
    for (index, block) in blocks.enumerated() {
      let entry = CorpusProgram(name: "example_\(index)", source: block + "\n")
      let program = try RewardProgram.compile(entry.source, schema: entry.schema, kind: entry.kind)
      #expect(program.warnings.allSatisfy { $0.severity == Diagnostic.Severity.note }, "\(program.warnings)")
      let job = CPythonJob(entry, program, rows: 20, seed: UInt64(index))
      jobs.append(job)
      found.append(try program.evaluate(job.inputs))
    }
    for (result, evaluation) in zip(try runInCPython(jobs), found) {
      let expected = try #require(result.reward, "\(result.error ?? "")")
      #expect(zip(evaluation.reward, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
    }
  }
}
