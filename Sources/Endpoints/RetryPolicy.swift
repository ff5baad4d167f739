import Foundation

/// When a request that failed is sent again.
public struct RetryPolicy: Sendable {
  /// Requests in all, the first included, when a server says that it is busy or broken.
  public var attempts = 8
  /// The same when nobody is there, or what comes back is no answer: waiting seldom mends that.
  public var attemptsUnanswered = 3
  /// Pause after the first failure; each further one doubles it.
  public var firstPause: Duration = .seconds(1)
  public var longestPause: Duration = .seconds(60)
  /// Longest pause that a server may ask for with `Retry-After`.
  public var patience: Duration = .seconds(600)

  public init() {}

  /// The pause after failure number `failure`, from 1: firstPause · 2^(failure − 1), at most the longest, times a
  /// `jitter` in [0.5, 1] that keeps clients from coming back all at once.
  public func pause(after failure: Int, jitter: Double = .random(in: 0.5...1)) -> Duration {
    let doubled: Double = firstPause.seconds * pow(2, Double(failure - 1))
    return .seconds(min(doubled, longestPause.seconds) * jitter)
  }

  /// The seconds that a `Retry-After` header asks for, which gives seconds or a date of HTTP; nil for anything else.
  /// A date that has passed asks for none.
  public static func retryAfter(_ header: String, now: Date = Date()) -> Duration? {
    let text: String = header.trimmingCharacters(in: .whitespaces)
    if let seconds = Double(text) { return seconds.isFinite && seconds >= 0 ? .seconds(min(seconds, 1e9)) : nil }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    // RFC 9110, section 5.6.7: the form in use, and two old ones that are still to be understood.
    for format: String in [
      "EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEEE, dd-MMM-yy HH:mm:ss 'GMT'", "EEE MMM d HH:mm:ss yyyy",
    ] {
      formatter.dateFormat = format
      if let date: Date = formatter.date(from: text) { return .seconds(max(0, date.timeIntervalSince(now))) }
    }
    return nil
  }
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
}
