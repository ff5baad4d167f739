import ArgumentParser
import Basics
import Experiments
import Foundation
import RewardDesign
import Studio

/// How a person takes part in a design run.
struct FeedbackOptions: ParsableArguments {
  enum Place: String, ExpressibleByArgument, CaseIterable { case none, terminal, page }

  @Option(help: "Where a person is asked after each generation: none, terminal or page.") var feedback: Place = .none
  @Flag(help: "Show the run live on a local page, also without asking there.") var page = false
  @Option(help: "Port of the page on this machine; any that is free if not given.") var port: Int?
  @Flag(help: "Show fitness while the person compares.") var showFitness = false

  func validate() throws {
    if let port, !(0...65_535).contains(port) { throw ValidationError("--port is 0 to 65535.") }
    if port != nil, !page, feedback != .page { throw ValidationError("--port needs --page or --feedback page.") }
    if showFitness, feedback == .none { throw ValidationError("--show-fitness needs --feedback terminal or page.") }
  }

  /// Whoever watches a run, and whoever is asked in it.
  struct Company: Sendable {
    var studio: DesignStudio?
    var adviser: (any Adviser)?

    @Sendable func tell(_ event: DesignLoop.Event) { studio?.tell(event) }

    func close() async { await studio?.close() }
  }

  /// Opens the page if there is to be one, and says where.
  /// - Throws: `GuerdonError` when the port cannot be had.
  func open(_ task: DesignTask, run: Run, progress: ProgressLine) async throws -> Company {
    var company = Company()
    if page || feedback == .page {
      let studio = try await DesignStudio.open(task, port: port ?? 0, isBlind: !showFitness)
      progress.note("The run, live: \(studio.address)")
      company.studio = studio
    }
    switch feedback {
    case .none: break
    case .page: company.adviser = company.studio
    case .terminal:
      company.adviser = TerminalAdviser(
        clips: run.directory.appendingPathComponent("clips"), showsFitness: showFitness, say: progress.note)
    }
    return company
  }
}
