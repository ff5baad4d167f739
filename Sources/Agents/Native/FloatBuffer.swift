/// Owned, zeroed, 64-byte aligned memory for `count` floats.
package final class FloatBuffer: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Float>
  package let count: Int

  package init(_ count: Int) {
    self.count = count
    let bytes = max(count, 16) * MemoryLayout<Float>.stride
    base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64).bindMemory(
      to: Float.self, capacity: max(count, 16))
    base.initialize(repeating: 0, count: max(count, 16))
  }

  deinit { base.deallocate() }

  var array: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }

  func assign(_ values: [Float]) {
    precondition(values.count == count, "a buffer of \(count) floats was given \(values.count)")
    values.withUnsafeBufferPointer { if let start = $0.baseAddress { base.update(from: start, count: count) } }
  }
}

/// `count` rounded up to whole SIMD vectors.
@inlinable package func padded(_ count: Int) -> Int { (count + 7) & ~7 }
