import ArgumentParser
import Basics
import Experiments
import Foundation

/// How a run ended.
struct Outcome {
  var status: RunRecord.Status = .finished
  /// Closing figures for `guerdon runs`, each one value or one a seed.
  var metrics: [String: [Double]] = [:]
  var claimsHold = true
}

/// Does a run's work with Ctrl-C listened to, and closes its record whatever happens.
/// - Throws: what the work throws; `ExitCode(2)` when a claim did not hold, `ExitCode(1)` when it was stopped.
func finishing(
  _ run: Run, _ work: (_ interruption: Interruption, _ progress: ProgressLine) async throws -> Outcome
) async throws {
  let progress = ProgressLine()
  let interruption = Interruption()
  interruption.listen { progress.note("Stopping; what is finished will be kept. Ctrl-C again to quit at once.") }
  let outcome: Outcome
  do {
    outcome = try await work(interruption, progress)
  } catch {
    progress.finish()
    let reason = (error as? GuerdonError)?.message ?? "\(error)"
    // The first error is the one to report, also when the disk is full and the record cannot be closed.
    try? run.finish(interruption.isRequested ? .interrupted : .failed, failure: reason)
    throw error
  }
  progress.finish()
  try run.finish(outcome.status, metrics: outcome.metrics)
  if outcome.status == .interrupted { throw ExitCode(1) }
  if !outcome.claimsHold { throw ExitCode(2) }
}

/// The store that `--out` names.
func store(_ out: String?) -> RunStore { RunStore(directory: out.map { URL(fileURLWithPath: $0) }) }
