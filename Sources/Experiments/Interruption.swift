import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Ctrl-C and SIGTERM as a flag: the first asks work to end cleanly, the second ends the process at once.
public final class Interruption: @unchecked Sendable {
  private let flag = Atomic<Bool>(false)
  /// Kept alive; written only by `listen`.
  private var sources: [any DispatchSourceSignal] = []

  public init() {}

  /// True once work should end.
  public var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Asks work to end.
  public func request() { flag.store(true, ordering: .relaxed) }

  /// Listens for the signals from now on, for the life of the process.
  /// - Parameter onFirst: told when the first one comes.
  public func listen(onFirst: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
      source.setEventHandler { [self] in
        if flag.exchange(true, ordering: .relaxed) { _exit(130) }
        onFirst()
      }
      source.resume()
      sources.append(source)
    }
  }
}
