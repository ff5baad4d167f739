import Foundation
import Synchronization

/// A file of TensorBoard events: TFRecord frames (length, masked CRC-32C of it, data, masked CRC-32C of them) that each
/// hold one `Event` of tensorflow/core/util/event.proto.
struct EventFile: ~Copyable {
  private var file: AppendedFile

  /// Begins a file of its own: TensorBoard reads all that are in a directory as one run.
  init(in directory: URL) throws {
    let now = Date().timeIntervalSince1970
    let process = ProcessInfo.processInfo
    let name = "events.out.tfevents.\(Int(now)).\(process.hostName).\(process.processIdentifier)"
    let number = Self.number.add(1, ordering: .relaxed).newValue
    var version = ProtobufMessage()
    version.double(1, now)
    version.string(3, "brain.Event:2")
    var file = try AppendedFile(directory.appendingPathComponent("\(name).\(number)"))
    try file.append(Self.frame(version))
    self.file = file
  }

  /// Tells the files of one process and second apart.
  private static let number = Atomic<Int>(0)

  mutating func append(_ record: MetricsRecord) throws {
    var event = ProtobufMessage()
    event.double(1, record.time)  // wall_time
    event.varint(2, record.step)
    event.message(5) { summary in
      for (tag, value) in record.scalars.sorted(by: { $0.key < $1.key }) {
        summary.message(1) {
          $0.string(1, tag)
          $0.float(2, Float(value))  // simple_value
        }
      }
      for (tag, histogram) in record.histograms.sorted(by: { $0.key < $1.key }) {
        summary.message(1) {
          $0.string(1, tag)
          $0.message(5) { $0.histogram(histogram) }
        }
      }
      for (tag, text) in record.texts.sorted(by: { $0.key < $1.key }) {
        summary.message(1) {
          $0.string(1, tag)
          $0.message(8) { $0.tensor(text) }
          $0.message(9) { $0.message(1) { $0.string(1, "text") } }  // metadata.plugin_data.plugin_name
        }
      }
    }
    try file.append(Self.frame(event))
  }

  private static func frame(_ event: ProtobufMessage) -> [UInt8] {
    let length = withUnsafeBytes(of: UInt64(event.bytes.count).littleEndian, Array.init)
    return length + checksum(length) + event.bytes + checksum(event.bytes)
  }

  private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
    let crc = crc32c(bytes)
    return withUnsafeBytes(of: ((crc >> 15 | crc << 17) &+ 0xa282_ead8).littleEndian, Array.init)
  }
}

/// CRC-32C (Castagnoli), as in RFC 3720, B.4.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(~0) { crc, byte in castagnoli[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8 }
}

private let castagnoli: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
}

/// The wire format of protocol buffers, as far as events need it.
private struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  mutating func varint(_ field: Int, _ value: Int) {
    key(field, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func double(_ field: Int, _ value: Double) {
    key(field, 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func float(_ field: Int, _ value: Float) {
    key(field, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func string(_ field: Int, _ text: String) { data(field, Array(text.utf8)) }

  /// A packed `repeated double`.
  mutating func doubles(_ field: Int, _ values: [Double]) {
    data(field, values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) })
  }

  mutating func message(_ field: Int, _ build: (inout ProtobufMessage) -> Void) {
    var inner = ProtobufMessage()
    build(&inner)
    data(field, inner.bytes)
  }

  /// `HistogramProto`: each range by its upper bound.
  mutating func histogram(_ histogram: Histogram) {
    double(1, histogram.edges.first ?? 0)  // min
    double(2, histogram.edges.last ?? 0)  // max
    double(3, Double(histogram.counts.reduce(0, +)))  // num
    double(4, histogram.sum)
    double(5, histogram.sumOfSquares)
    doubles(6, Array(histogram.edges.dropFirst()))  // bucket_limit
    doubles(7, histogram.counts.map(Double.init))  // bucket
  }

  /// `TensorProto` of one string: dtype DT_STRING, shape [1].
  mutating func tensor(_ text: String) {
    varint(1, 7)
    message(2) { $0.message(2) { $0.varint(1, 1) } }
    string(8, text)
  }

  private mutating func data(_ field: Int, _ content: [UInt8]) {
    key(field, 2)
    varint(UInt64(content.count))
    bytes += content
  }

  private mutating func key(_ field: Int, _ wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
