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
  ///   - remaining: seconds to go, where somebody knows better than the share of the time so far does.
  public func update(_ title: String, fraction: Double, detail: String, remaining seconds: Double? = nil) {
    guard !isQuiet else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(10)
      if let last = state.lastShown, now - last < pause { return }
      state.lastShown = now
      let elapsed = (now - state.start) / .seconds(1)
      let left = seconds ?? (fraction > 0.005 ? elapsed / fraction - elapsed : .infinity)
      let remaining = left.isFinite ? "about \(Self.duration(left)) left" : ""
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

  private func write(_ text: String) { complain(text) }
}

/// Writes to standard error. Where nobody reads any longer, nothing is lost that would be worth ending for.
public func complain(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
