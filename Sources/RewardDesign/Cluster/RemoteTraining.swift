import Agents
import Basics
import Foundation
import Proposers

/// All that another process needs in order to train one candidate: one line of JSON.
public struct TrainingRequest: Sendable, Codable {
  /// The task's name and its file's text.
  public var task, text: String
  public var training: PolicyTraining.Configuration
  public var job: CandidateJob

  public init(_ job: CandidateJob, of task: DesignTask, training: PolicyTraining.Configuration) {
    (self.task, text) = (task.name, task.text)
    self.training = training
    self.job = job
  }

  /// - Throws: `GuerdonError` when the line is no request.
  public init(line: Data) throws {
    do {
      self = try JSONDecoder.exact.decode(TrainingRequest.self, from: line)
    } catch {
      throw GuerdonError.usage("The request is not a line of JSON with task, text, training and job.")
    }
    let counts = [
      training.environments, training.checkpoints, training.evaluationEpisodes, training.finalEpisodes, job.steps,
    ]
    guard counts.allSatisfy({ $0 >= 1 }) else {
      throw GuerdonError.usage("The request's steps, environments, checkpoints and episodes must be at least 1.")
    }
  }

  public func line() throws -> Data { try JSONEncoder.exact.encode(self) }

  /// Trains the candidate on one thread, with the numbers that `LocalTrainer` has.
  /// - Parameters:
  ///   - shouldStop: asked often; when it turns true, the training is given up and no end is reported.
  ///   - report: told of each checkpoint, and last of the end.
  /// - Throws: `GuerdonError` when the task cannot be read; a failure of the training is its outcome.
  public func run(
    shouldStop: @escaping @Sendable () -> Bool, report: @escaping @Sendable (TrainingReport) -> Void
  ) async throws {
    let trainer = LocalTrainer(jobs: 1, training: training, halving: .none)
    try await trainer.train(
      [job], of: try DesignTask(text: text, file: task + ".yaml"), finished: [],
      watcher: TrainingWatcher(
        shouldStop: shouldStop, onSteps: { _ in }, onCheckpoint: { report(.checkpoint($1)) },
        onEnd: { report(.ended($1, policy: $2?.serialized())) }))
  }
}

/// What a process that trains one candidate says: a line of JSON each.
public enum TrainingReport: Sendable, Codable {
  /// What is known so far.
  case checkpoint(TrainingDigest)
  /// The outcome, and the policy as safetensors where there is one.
  case ended(Candidate.Outcome, policy: Data?)

  /// - Throws: `GuerdonError` when the line is no report.
  public init(line: Data) throws {
    do {
      self = try JSONDecoder.exact.decode(TrainingReport.self, from: line)
    } catch {
      throw GuerdonError.failure("A training's report is not the JSON that was agreed on.")
    }
  }

  public func line() throws -> Data { try JSONEncoder.exact.encode(self) }
}

extension JSONEncoder {
  /// Every number comes back as it was, also those that are not finite, and the same value gives the same bytes.
  static var exact: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }
}

extension JSONDecoder {
  /// Reads what `JSONEncoder.exact` writes.
  static var exact: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }
}
