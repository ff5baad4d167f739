import Foundation
import Synchronization

/// Shows how far long work is, on standard error: one line redrawn in place on a terminal, plain lines otherwise.
public final class ProgressLine: Sendable {
  private struct State {
    var isShown = false
    var lastShown: ContinuousClock.Instant?
    let start = ContinuousClock.now
  }

  private let state = Mutex(State())
  private let isTerminal: Bool
  private let isQuiet: Bool

  public init(quiet: Bool = false) {
    isQuiet = quiet
    isTerminal = isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// A line that stays.
  public func note(_ line: String) {
    guard !isQuiet else { return }
    state.withLock { state in
      clear(&state)
      write(line + "\n")
    }
  }

  /// How far the work is; shown at most ten times a second on a terminal, every ten seconds elsewhere.
  /// - Parameters:
  ///   - fraction: of the whole, 0 to 1.
  ///   - detail: rate, current best.
  public func update(_ title: String, fraction: Double, detail: String) {
    guard !isQuiet else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(10)
      if let last = state.lastShown, now - last < pause { return }
      state.lastShown = now
      let elapsed = (now - state.start) / .seconds(1)
      let remaining = fraction > 0.005 ? "about \(Self.duration(elapsed / fraction - elapsed)) left" : ""
      let percent = String(format: "%3.0f %%", 100 * min(max(fraction, 0), 1))
      let parts = ["\(title) \(percent)", detail, remaining].filter { !$0.isEmpty }
      if isTerminal {
        let filled = Int(24 * min(max(fraction, 0), 1))
        let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: 24 - filled)
        clear(&state)
        write("\(bar) \(parts.joined(separator: " · "))")
        state.isShown = true
      } else {
        write(parts.joined(separator: " · ") + "\n")
      }
    }
  }

  /// Removes the moving line.
  public func finish() { state.withLock { clear(&$0) } }

  /// Seconds as people say them: "45 s", "3 min 20 s", "2 h 5 min".
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "?" }
    let whole = max(0, Int(seconds.rounded()))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  private func clear(_ state: inout State) {
    if state.isShown { write("\r\u{1B}[2K") }
    state.isShown = false
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
