import DifferentiableRewards
import ProgramCorpus
import RewardPrograms
import Testing
import Torch

/// Every program of the corpus gives on tensors what it gives in CPython, unchanged.
@Suite struct CorpusTests {
  @Test func corpusAgreesWithCPython() throws {
    let rows = 19
    var jobs: [CPythonJob] = []
    var programs: [RewardProgram] = []
    for (index, entry) in CorpusProgram.all.enumerated() {
      let program = try RewardProgram.compile(
        entry.source, name: entry.name + ".py", schema: entry.schema, kind: entry.kind)
      programs.append(program)
      jobs.append(CPythonJob(entry, program, rows: rows, seed: UInt64(1000 + index)))
    }
    #expect(jobs.count >= 150)
    for ((program, job), expected) in zip(zip(programs, jobs), try runInCPython(jobs)) {
      guard let reward = expected.reward else {
        Issue.record("\(job.name) fails in CPython: \(expected.error ?? "?")")
        continue
      }
      let inputs = job.inputs.mapValues { Tensor($0.values, shape: $0.shape) }
      let outcome = try noGrad { try DifferentiableReward(program)(inputs) }
      let tolerance = program.precision == .single ? 1e-5 : 1e-6
      compare("\(job.name): total", outcome.total, reward, tolerance)
      for term in outcome.terms {
        // A term that no row returns does not occur in CPython.
        let values = expected.terms?[term.name] ?? [Double](repeating: 0, count: rows)
        compare("\(job.name): \(term.name)", term.value, values, tolerance)
      }
    }
  }

  private func compare(_ what: String, _ found: Tensor, _ expected: [Double], _ tolerance: Double) {
    let values = found.to(.float64).flatten().array(of: Double.self)
    guard values.count == expected.count else {
      Issue.record("\(what): \(values.count) values, not \(expected.count)")
      return
    }
    for (row, (a, b)) in zip(values, expected).enumerated() {
      // In single precision sums of values around 1 that cancel are off by an absolute 1e-6.
      let floor = tolerance > 5e-6 ? 1 : 0.1
      let agrees = a == b || a.isNaN && b.isNaN || abs(a - b) <= tolerance * max(floor, abs(b))
      if !agrees {
        Issue.record("\(what), row \(row): \(a), in CPython \(b)")
        return
      }
    }
  }
}
