import Basics
import CZlib
import Foundation

/// A picture: 8 bits of red, green and blue a pixel.
public struct RGBImage: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// Row-major [height, width, 3], the upper row first.
  public var pixels: [UInt8]

  /// - Throws: `GuerdonError` when the sides are not in 1...16384 or the number of pixels is not theirs.
  public init(width: Int, height: Int, pixels: [UInt8]) throws {
    guard (1...16384).contains(width), (1...16384).contains(height), pixels.count == 3 * width * height else {
      throw GuerdonError.usage(
        "\(pixels.count) numbers are no picture of \(width) × \(height) pixels (1 to 16384 a side, 3 numbers each).")
    }
    (self.width, self.height, self.pixels) = (width, height, pixels)
  }

  /// A PNG file (W3C Recommendation "PNG Specification", third edition).
  public func png() throws -> Data {
    var file = PNGWriter()
    file.header(width: width, height: height)
    file.chunk("IDAT", try PNGWriter.compress(self, x: 0..<width, y: 0..<height))
    file.chunk("IEND", [])
    return file.data
  }
}

/// Pictures that follow each other, as an animated PNG: every browser plays it in an `<img>`, without losing a pixel.
public struct AnimatedPNG: Sendable {
  public let framesPerSecond: Double
  public private(set) var frameCount = 0
  private var first: RGBImage?
  private var last: RGBImage?
  /// Chunks of all frames, numbered already.
  private var frames = PNGWriter()
  private var sequence: UInt32 = 0

  /// - Throws: `GuerdonError` when the rate is not in 0.1...1000.
  public init(framesPerSecond: Double) throws {
    guard (0.1...1000).contains(framesPerSecond) else {
      throw GuerdonError.usage("\(framesPerSecond) frames a second cannot be shown; give 0.1 to 1000.")
    }
    self.framesPerSecond = framesPerSecond
  }

  /// Appends a frame; of its pixels only the rectangle that changed is stored.
  /// - Throws: `GuerdonError` when its size is not that of the frames before.
  public mutating func append(_ image: RGBImage) throws {
    var (x, y) = (0..<image.width, 0..<image.height)
    if let last {
      guard (last.width, last.height) == (image.width, image.height) else {
        throw GuerdonError.usage(
          "A frame of \(image.width) × \(image.height) pixels cannot follow one of \(last.width) × \(last.height).")
      }
      (x, y) = Self.changes(from: last, to: image)
    }
    var control: [UInt8] = []
    for value in [Int(sequence), x.count, y.count, x.lowerBound, y.lowerBound] {
      control += UInt32(value).bigEndianBytes
    }
    control += UInt16(clamping: Int((1000 / framesPerSecond).rounded())).bigEndianBytes + UInt16(1000).bigEndianBytes
    control += [0, 0]  // The frame stays under the next one, and replaces what is below it.
    frames.chunk("fcTL", control)
    sequence += 1
    let pixels = try PNGWriter.compress(image, x: x, y: y)
    if frameCount == 0 {
      first = image
      frames.chunk("IDAT", pixels)
    } else {
      frames.chunk("fdAT", sequence.bigEndianBytes + pixels)
      sequence += 1
    }
    last = image
    frameCount += 1
  }

  /// The file.
  /// - Throws: `GuerdonError` when there is no frame.
  public func data() throws -> Data {
    guard let first else { throw GuerdonError.failure("An animation without frames cannot be written.") }
    var file = PNGWriter()
    file.header(width: first.width, height: first.height)
    file.chunk("acTL", UInt32(frameCount).bigEndianBytes + UInt32(0).bigEndianBytes)  // Played for ever.
    file.data.append(frames.data)
    file.chunk("IEND", [])
    return file.data
  }

  /// The smallest rectangle outside which the two are equal; one pixel at least.
  private static func changes(from a: RGBImage, to b: RGBImage) -> (x: Range<Int>, y: Range<Int>) {
    let stride = 3 * b.width
    var (left, right, top, bottom) = (stride, 0, b.height, 0)
    a.pixels.withUnsafeBufferPointer { a in
      b.pixels.withUnsafeBufferPointer { b in
        for y in 0..<b.count / stride {
          let row = y * stride
          guard let low = (0..<stride).first(where: { a[row + $0] != b[row + $0] }) else { continue }
          var high = stride - 1
          while a[row + high] == b[row + high] { high -= 1 }
          (left, right) = (min(left, low), max(right, high))
          (top, bottom) = (min(top, y), y + 1)
        }
      }
    }
    return top >= bottom ? (0..<1, 0..<1) : (left / 3..<right / 3 + 1, top..<bottom)
  }
}

/// Chunks of a PNG file.
struct PNGWriter: Sendable {
  var data = Data()

  mutating func header(width: Int, height: Int) {
    data.append(contentsOf: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    // 8 bits a channel, three channels, and the only methods there are.
    chunk("IHDR", UInt32(width).bigEndianBytes + UInt32(height).bigEndianBytes + [8, 2, 0, 0, 0])
  }

  mutating func chunk(_ type: String, _ content: [UInt8]) {
    let body = Array(type.utf8) + content
    let sum = body.withUnsafeBufferPointer { crc32(0, $0.baseAddress, uInt($0.count)) }
    data.append(contentsOf: UInt32(content.count).bigEndianBytes)
    data.append(contentsOf: body)
    data.append(contentsOf: UInt32(truncatingIfNeeded: sum).bigEndianBytes)
  }

  /// The compressed pixels of a rectangle. Each row is written as differences from the row above or from the pixel to
  /// the left, whichever are smaller.
  static func compress(_ image: RGBImage, x: Range<Int>, y: Range<Int>) throws -> [UInt8] {
    let width = 3 * x.count
    var rows = [UInt8](repeating: 0, count: (width + 1) * y.count)
    image.pixels.withUnsafeBufferPointer { pixels in
      rows.withUnsafeMutableBufferPointer { rows in
        for (number, row) in y.enumerated() {
          let here = 3 * (row * image.width + x.lowerBound)
          let above = number == 0 ? nil : here - 3 * image.width
          filter(pixels, here, above: above, width, into: rows, at: number * (width + 1))
        }
      }
    }
    var length = compressBound(uLong(rows.count))
    var packed = [UInt8](repeating: 0, count: Int(length))
    guard compress2(&packed, &length, rows, uLong(rows.count), 6) == Z_OK else {
      throw GuerdonError.failure("There is not enough memory to compress a picture.")
    }
    return Array(packed[..<Int(length)])
  }

  private static func filter(
    _ pixels: UnsafeBufferPointer<UInt8>, _ here: Int, above: Int?, _ width: Int,
    into rows: UnsafeMutableBufferPointer<UInt8>, at start: Int
  ) {
    @inline(__always) func up(_ k: Int) -> UInt8 { pixels[here + k] &- (above.map { pixels[$0 + k] } ?? 0) }
    @inline(__always) func left(_ k: Int) -> UInt8 { pixels[here + k] &- (k < 3 ? 0 : pixels[here + k - 3]) }
    var (sizeUp, sizeLeft) = (0, 0)
    for k in 0..<width {
      sizeUp += Int(Int8(bitPattern: up(k)).magnitude)
      sizeLeft += Int(Int8(bitPattern: left(k)).magnitude)
    }
    let isUp = sizeUp <= sizeLeft
    rows[start] = isUp ? 2 : 1
    for k in 0..<width { rows[start + 1 + k] = isUp ? up(k) : left(k) }
  }
}

extension FixedWidthInteger {
  fileprivate var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
