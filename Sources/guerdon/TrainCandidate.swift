import ArgumentParser
import Basics
import Experiments
import Foundation
import RewardDesign

/// The other side of a cluster's driver: one training, in a process of its own.
struct TrainCandidate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-candidate",
    abstract: "Train one candidate: a request as JSON on standard input, reports as lines of JSON on standard output.",
    shouldDisplay: false)

  @Flag(help: "Give up when standard input closes.") var attended = false

  func run() async throws {
    guard let line = readLine() else {
      throw GuerdonError.usage("There is no request: it is a line of JSON on standard input.")
    }
    let request = try TrainingRequest(line: Data(line.utf8))
    let interruption = Interruption()
    if attended {
      Thread.detachNewThread {
        while readLine() != nil {}
        interruption.request()
      }
    }
    try await request.run(shouldStop: { interruption.isRequested }) { report in
      do {
        try FileHandle.standardOutput.write(contentsOf: try report.line() + Data("\n".utf8))
      } catch {
        // Nobody listens any more.
        interruption.request()
      }
    }
    if interruption.isRequested { throw ExitCode(1) }
  }
}
