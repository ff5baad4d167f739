import Basics
internal import CTorch

/// Where a tensor lives and is computed.
public struct Device: Sendable, Hashable, CustomStringConvertible {
  public enum Kind: Int32, Sendable, Hashable {
    case cpu = 0, cuda = 1, mps = 13
  }

  public var kind: Kind
  /// Which one of its kind; -1 for the current one, as the processor always is.
  public var index: Int

  public static let cpu = Device(kind: .cpu, index: -1)
  public static func cuda(_ index: Int = 0) -> Device { Device(kind: .cuda, index: index) }
  public static let mps = Device(kind: .mps, index: 0)

  public init(kind: Kind, index: Int) {
    self.kind = kind
    self.index = kind == .cpu ? -1 : index
  }

  /// The device called `cpu`, `cuda`, `cuda:1` or `mps`.
  /// - Throws: `GuerdonError` when there is no such name, or when this LibTorch cannot reach the device.
  public init(_ name: String) throws {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    let index = parts.count == 2 ? Int(parts[1]).flatMap { (0..<128).contains($0) ? $0 : nil } : 0
    guard parts.count <= 2, let index else { throw Device.unknown(name) }
    switch parts[0] {
    case "cpu" where parts.count == 1: self = .cpu
    case "cuda": self = .cuda(index)
    case "mps" where index == 0: self = .mps
    default: throw Device.unknown(name)
    }
    guard isAvailable else {
      throw GuerdonError.usage(
        "This LibTorch (\(libTorchVersion)) cannot use the device \"\(name)\": choose cpu, or point GUERDON_TORCH "
          + "at a build that can.")
    }
  }

  private static func unknown(_ name: String) -> GuerdonError {
    .usage("There is no device \"\(name)\": use cpu, cuda, cuda:<number> or mps.")
  }

  /// Whether a tensor can be made there.
  public var isAvailable: Bool { ct_device_available(c) }

  public var description: String {
    switch kind {
    case .cpu: "cpu"
    case .cuda: "cuda:\(Swift.max(index, 0))"
    case .mps: "mps"
    }
  }

  var c: ct_device { ct_device(type: kind.rawValue, index: Int32(index)) }
}

/// The version of the LibTorch that this package was built against.
public let libTorchVersion: String = String(cString: ct_version())

/// How many threads one tensor operation may use in this process. Environments and tensors share one budget: give
/// LibTorch what the worker pools leave. Call it once, before the first operation.
public func setThreads(_ count: Int) { ct_set_threads(Int32(clamping: Swift.max(1, count))) }

/// How many threads one tensor operation uses.
public func threads() -> Int { Int(ct_get_threads()) }
