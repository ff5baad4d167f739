import Agents
import Basics
import Environments
import Foundation
import Proposers
import RewardDesign
import Synchronization

/// The design loop beside the same number of steps of plain PPO, all trained to the end; and what the loop itself
/// costs.
let designRows = [
  // At least 1 / 1.3 of the rate is at most 1.3 times the time.
  Row(
    name: "Generation of 8 candidates, HalfCheetah-v5, 200k steps each, vs as many steps of plain PPO", unit: "steps/s",
    atLeast: 1 / 1.3, repetitions: 1, ours: generationRate, peer: plainRate),
  Row(
    name: "Design loop without training, vs its limit of 1,000 candidates a second", unit: "candidates/s", atLeast: 1,
    repetitions: 3, ours: loopRate, peer: { 1_000 }),
]

private let candidates = 8, steps = 200_000

private func cheetah() throws -> DesignTask {
  var task = try DesignTask.load("cheetah-back")
  task.budget.candidates = candidates
  task.budget.steps = steps
  return task
}

/// Steps a second of one generation, its checkpoints' evaluations included; the programs are drawn as in a first
/// generation.
private func generationRate() throws -> Double {
  let task = try cheetah()
  let history = DesignHistory(
    goal: task.goal, environmentSummary: task.environment.summary, schema: task.schema,
    probe: try PolicyTraining.probe(task, configuration: .init(), seed: 0))
  let proposals = try blocking {
    try await EvolutionProposer(schema: task.schema, seed: 0).propose(candidates, after: history)
  }
  let jobs = proposals.enumerated().map {
    CandidateJob(id: $0.offset, source: $0.element.source, steps: steps, seed: 0)
  }
  let begin = ContinuousClock.now
  try blocking {
    try await LocalTrainer(jobs: ProcessInfo.processInfo.activeProcessorCount, halving: .none).train(
      jobs, of: task, finished: [],
      watcher: TrainingWatcher(
        shouldStop: { false }, onSteps: { _ in }, onCheckpoint: { _, _ in }, onEnd: { _, _, _ in }))
  }
  return Double(candidates * steps) / ((ContinuousClock.now - begin) / .seconds(1))
}

/// The same learner on the environment's own reward, with as many trainings side by side.
private func plainRate() throws -> Double {
  let task = try cheetah()
  let failures = Mutex<[any Error]>([])
  let begin = ContinuousClock.now
  WorkerPool(threads: ProcessInfo.processInfo.activeProcessorCount).forEach(candidates) { index in
    do {
      let pool = WorkerPool(threads: 1)
      let trainer = try PPO(
        environment: Environments.make(
          task.environment.id, count: 8, pool: pool, maxEpisodeSteps: task.maxEpisodeSteps),
        configuration: .anyReward, seed: UInt64(index), pool: pool)
      try trainer.train(totalSteps: steps)
    } catch {
      failures.withLock { $0.append(error) }
    }
  }
  if let failure = failures.withLock({ $0.first }) { throw failure }
  return Double(candidates * steps) / ((ContinuousClock.now - begin) / .seconds(1))
}

/// Candidates a second through proposing, checking, recording and selecting, from the end of the probe on (its episodes
/// cost what the physics costs); a trainer that does nothing gives each a fitness by its id.
private func loopRate() throws -> Double {
  struct Instant: CandidateTrainer {
    func train(
      _ jobs: [CandidateJob], of task: DesignTask, finished: [TrainingDigest], watcher: TrainingWatcher
    ) async throws {
      let width = Feature.all(of: task.schema).count
      for job in jobs {
        // The names of the terms are the keys of the dictionary that the program's last line returns.
        let last = job.source.split(separator: "\n").last ?? ""
        let names = last.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        let fitness = Double(job.id * 7919 % 1_000) / 1_000
        let episode = EpisodeDigest(
          fitness: fitness, means: (0..<width).map { Double(job.id * 31 % ($0 + 2)) },
          deviations: [Double](repeating: 1, count: width))
        let digest = TrainingDigest(
          steps: [1, 2], fitness: [0, fitness], lengths: [1, 1],
          terms: names.map { .init(name: $0, values: [0, 1]) }, episodes: [episode])
        try watcher.onEnd(job.id, .trained(digest), nil)
      }
    }
  }
  var task = try cheetah()
  task.budget.generations = 10
  task.budget.candidates = 100
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-bench-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let loop = DesignLoop(task: task, seed: 0, jobs: 1, trainer: Instant())
  let journal = try DesignJournal(folder)
  let begin = Mutex(ContinuousClock.now)
  let history = try blocking {
    try await loop.search(
      proposer: EvolutionProposer(schema: loop.task.schema, seed: 0), journal: journal, shouldStop: { false },
      onEvent: { if case .probed = $0 { begin.withLock { $0 = .now } } })
  }
  return Double(history.candidates.count) / ((ContinuousClock.now - begin.withLock { $0 }) / .seconds(1))
}

/// Waits for asynchronous work on the thread that measures.
private func blocking<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
  let done = DispatchSemaphore(value: 0)
  let result = Mutex<Swift.Result<Value, any Error>?>(nil)
  Task.detached {
    do {
      let value = try await body()
      result.withLock { $0 = .success(value) }
    } catch {
      result.withLock { $0 = .failure(error) }
    }
    done.signal()
  }
  done.wait()
  guard let result = result.withLock({ $0 }) else { throw GuerdonError.failure("A measurement was lost.") }
  return try result.get()
}
