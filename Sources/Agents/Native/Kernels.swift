/// The vector type of all kernels: eight floats, one AVX register.
typealias Lanes = SIMD8<Float>

extension UnsafePointer<Float> {
  @inline(__always) var lanes: Lanes { UnsafeRawPointer(self).loadUnaligned(as: Lanes.self) }
}
extension UnsafeMutablePointer<Float> {
  @inline(__always) var lanes: Lanes {
    get { UnsafeRawPointer(self).loadUnaligned(as: Lanes.self) }
    nonmutating set { UnsafeMutableRawPointer(self).storeBytes(of: newValue, as: Lanes.self) }
  }
}

enum Kernels {
  /// C[m, n] = start + A[m, k] · B[k, n], with `n` a multiple of 8.
  ///
  /// Element (i, j) of A stands at `a[i * aRow + j * aColumn]`, so that a transposed A costs nothing; rows of B and C are
  /// contiguous. Every element of C is one sum in the order of k: the result does not depend on how m and n are blocked.
  /// - Parameter start: a row of `n` floats that every row of C begins with (a bias); nil begins with zero.
  static func multiply(
    m: Int, n: Int, k: Int, a: UnsafePointer<Float>, aRow: Int, aColumn: Int, b: UnsafePointer<Float>, bRow: Int,
    c: UnsafeMutablePointer<Float>, cRow: Int, start: UnsafePointer<Float>? = nil
  ) {
    // Below, copying costs more than it saves, or everything is near at hand anyway (64 × 64 is).
    if m >= 12, n >= 16, k &* bRow > 4_096 {
      multiplyPacked(
        m: m, n: n, k: k, a: a, aRow: aRow, aColumn: aColumn, b: b, bRow: bRow, c: c, cRow: cRow, start: start)
      return
    }
    var column = 0
    while column + 16 <= n {
      var row = 0
      while row + 4 <= m {
        block4x16(
          k, a + row &* aRow, aRow, aColumn, b + column, bRow, c + row &* cRow + column, cRow,
          start.map { $0 + column })
        row &+= 4
      }
      while row < m {
        block1x16(k, a + row &* aRow, aColumn, b + column, bRow, c + row &* cRow + column, start.map { $0 + column })
        row &+= 1
      }
      column &+= 16
    }
    if column < n {
      var row = 0
      while row + 8 <= m {
        block8x8(
          k, a + row &* aRow, aRow, aColumn, b + column, bRow, c + row &* cRow + column, cRow,
          start.map { $0 + column })
        row &+= 8
      }
      while row + 4 <= m {
        block4x8(
          k, a + row &* aRow, aRow, aColumn, b + column, bRow, c + row &* cRow + column, cRow,
          start.map { $0 + column })
        row &+= 4
      }
      while row < m {
        block1x8(k, a + row &* aRow, aColumn, b + column, bRow, c + row &* cRow + column, start.map { $0 + column })
        row &+= 1
      }
    }
  }

  /// `multiply` for matrices that the first-level cache does not hold: 16 columns of B at a time are copied side by side
  /// (rows a multiple of 1 KiB apart would evict one another), and a transposed A in groups of six rows.
  private static func multiplyPacked(
    m: Int, n: Int, k: Int, a: UnsafePointer<Float>, aRow: Int, aColumn: Int, b: UnsafePointer<Float>, bRow: Int,
    c: UnsafeMutablePointer<Float>, cRow: Int, start: UnsafePointer<Float>?
  ) {
    let groups = m / 6
    let packsA = aColumn != 1
    // Two floats of slack, for groups of six are copied as eight.
    let floats = 16 &* k &+ (packsA ? groups &* 6 &* k &+ 2 : 0)
    withUnsafeTemporaryAllocation(byteCount: floats &* 4, alignment: 64) { memory in
      guard let panel = memory.baseAddress?.bindMemory(to: Float.self, capacity: floats) else { return }
      let packedA = panel + 16 &* k
      if packsA {
        for group in 0..<groups {
          let target = packedA + group &* 6 &* k
          let source = a + group &* 6 &* aRow
          if aRow == 1, group &* 6 &+ 8 <= m {
            for p in 0..<k { (target + 6 &* p).lanes = (source + p &* aColumn).lanes }
          } else {
            for p in 0..<k { for r in 0..<6 { target[6 &* p &+ r] = source[r &* aRow &+ p &* aColumn] } }
          }
        }
      }
      var column = 0
      while column + 16 <= n {
        for p in 0..<k {
          (panel + 16 &* p).lanes = (b + p &* bRow + column).lanes
          (panel + 16 &* p + 8).lanes = (b + p &* bRow + column + 8).lanes
        }
        let begin = start.map { $0 + column }
        for group in 0..<groups {
          let target = c + group &* 6 &* cRow + column
          if packsA {
            block6x16(k, packedA + group &* 6 &* k, 1, 6, panel, target, cRow, begin)
          } else {
            block6x16(k, a + group &* 6 &* aRow, aRow, aColumn, panel, target, cRow, begin)
          }
        }
        var row = groups &* 6
        if row + 4 <= m {
          block4x16(k, a + row &* aRow, aRow, aColumn, panel, 16, c + row &* cRow + column, cRow, begin)
          row &+= 4
        }
        while row < m {
          block1x16(k, a + row &* aRow, aColumn, panel, 16, c + row &* cRow + column, begin)
          row &+= 1
        }
        column &+= 16
      }
      if column < n {
        multiply(
          m: m, n: n &- column, k: k, a: a, aRow: aRow, aColumn: aColumn, b: b + column, bRow: bRow, c: c + column,
          cRow: cRow, start: start.map { $0 + column })
      }
    }
  }

  /// Twelve accumulators, two of B and one of A: all but one of the sixteen registers. Rows of B are 16 apart.
  @inline(__always) private static func block6x16(
    _ k: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ start: UnsafePointer<Float>?
  ) {
    let left = start?.lanes ?? .zero, right = start.map { ($0 + 8).lanes } ?? .zero
    var c00 = left, c01 = right, c10 = left, c11 = right, c20 = left, c21 = right
    var c30 = left, c31 = right, c40 = left, c41 = right, c50 = left, c51 = right
    var a = a, b = b
    for _ in 0..<k {
      let b0 = b.lanes, b1 = (b + 8).lanes
      let a0 = Lanes(repeating: a[0])
      c00.addProduct(a0, b0)
      c01.addProduct(a0, b1)
      let a1 = Lanes(repeating: a[aRow])
      c10.addProduct(a1, b0)
      c11.addProduct(a1, b1)
      let a2 = Lanes(repeating: a[2 &* aRow])
      c20.addProduct(a2, b0)
      c21.addProduct(a2, b1)
      let a3 = Lanes(repeating: a[3 &* aRow])
      c30.addProduct(a3, b0)
      c31.addProduct(a3, b1)
      let a4 = Lanes(repeating: a[4 &* aRow])
      c40.addProduct(a4, b0)
      c41.addProduct(a4, b1)
      let a5 = Lanes(repeating: a[5 &* aRow])
      c50.addProduct(a5, b0)
      c51.addProduct(a5, b1)
      a += aColumn
      b += 16
    }
    c.lanes = c00
    (c + 8).lanes = c01
    (c + cRow).lanes = c10
    (c + cRow + 8).lanes = c11
    (c + 2 &* cRow).lanes = c20
    (c + 2 &* cRow + 8).lanes = c21
    (c + 3 &* cRow).lanes = c30
    (c + 3 &* cRow + 8).lanes = c31
    (c + 4 &* cRow).lanes = c40
    (c + 4 &* cRow + 8).lanes = c41
    (c + 5 &* cRow).lanes = c50
    (c + 5 &* cRow + 8).lanes = c51
  }

  /// Eight accumulators: as many as the two FMA units keep busy.
  @inline(__always) private static func block4x16(
    _ k: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ start: UnsafePointer<Float>?
  ) {
    let left = start?.lanes ?? .zero, right = start.map { ($0 + 8).lanes } ?? .zero
    var c00 = left, c01 = right, c10 = left, c11 = right, c20 = left, c21 = right, c30 = left, c31 = right
    var a = a, b = b
    for _ in 0..<k {
      let b0 = b.lanes, b1 = (b + 8).lanes
      let a0 = Lanes(repeating: a[0]), a1 = Lanes(repeating: a[aRow])
      let a2 = Lanes(repeating: a[2 &* aRow]), a3 = Lanes(repeating: a[3 &* aRow])
      c00.addProduct(a0, b0)
      c01.addProduct(a0, b1)
      c10.addProduct(a1, b0)
      c11.addProduct(a1, b1)
      c20.addProduct(a2, b0)
      c21.addProduct(a2, b1)
      c30.addProduct(a3, b0)
      c31.addProduct(a3, b1)
      a += aColumn
      b += bRow
    }
    c.lanes = c00
    (c + 8).lanes = c01
    (c + cRow).lanes = c10
    (c + cRow + 8).lanes = c11
    (c + 2 &* cRow).lanes = c20
    (c + 2 &* cRow + 8).lanes = c21
    (c + 3 &* cRow).lanes = c30
    (c + 3 &* cRow + 8).lanes = c31
  }

  @inline(__always) private static func block8x8(
    _ k: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ start: UnsafePointer<Float>?
  ) {
    let left = start?.lanes ?? .zero
    var c0 = left, c1 = left, c2 = left, c3 = left, c4 = left, c5 = left, c6 = left, c7 = left
    var a = a, b = b
    for _ in 0..<k {
      let row = b.lanes
      c0.addProduct(Lanes(repeating: a[0]), row)
      c1.addProduct(Lanes(repeating: a[aRow]), row)
      c2.addProduct(Lanes(repeating: a[2 &* aRow]), row)
      c3.addProduct(Lanes(repeating: a[3 &* aRow]), row)
      c4.addProduct(Lanes(repeating: a[4 &* aRow]), row)
      c5.addProduct(Lanes(repeating: a[5 &* aRow]), row)
      c6.addProduct(Lanes(repeating: a[6 &* aRow]), row)
      c7.addProduct(Lanes(repeating: a[7 &* aRow]), row)
      a += aColumn
      b += bRow
    }
    c.lanes = c0
    (c + cRow).lanes = c1
    (c + 2 &* cRow).lanes = c2
    (c + 3 &* cRow).lanes = c3
    (c + 4 &* cRow).lanes = c4
    (c + 5 &* cRow).lanes = c5
    (c + 6 &* cRow).lanes = c6
    (c + 7 &* cRow).lanes = c7
  }

  @inline(__always) private static func block4x8(
    _ k: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ start: UnsafePointer<Float>?
  ) {
    let left = start?.lanes ?? .zero
    var c0 = left, c1 = left, c2 = left, c3 = left
    var a = a, b = b
    for _ in 0..<k {
      let row = b.lanes
      c0.addProduct(Lanes(repeating: a[0]), row)
      c1.addProduct(Lanes(repeating: a[aRow]), row)
      c2.addProduct(Lanes(repeating: a[2 &* aRow]), row)
      c3.addProduct(Lanes(repeating: a[3 &* aRow]), row)
      a += aColumn
      b += bRow
    }
    c.lanes = c0
    (c + cRow).lanes = c1
    (c + 2 &* cRow).lanes = c2
    (c + 3 &* cRow).lanes = c3
  }

  @inline(__always) private static func block1x16(
    _ k: Int, _ a: UnsafePointer<Float>, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ start: UnsafePointer<Float>?
  ) {
    var c0 = start?.lanes ?? .zero, c1 = start.map { ($0 + 8).lanes } ?? .zero
    var a = a, b = b
    for _ in 0..<k {
      let element = Lanes(repeating: a[0])
      c0.addProduct(element, b.lanes)
      c1.addProduct(element, (b + 8).lanes)
      a += aColumn
      b += bRow
    }
    c.lanes = c0
    (c + 8).lanes = c1
  }

  @inline(__always) private static func block1x8(
    _ k: Int, _ a: UnsafePointer<Float>, _ aColumn: Int, _ b: UnsafePointer<Float>, _ bRow: Int,
    _ c: UnsafeMutablePointer<Float>, _ start: UnsafePointer<Float>?
  ) {
    var sum = start?.lanes ?? .zero
    var a = a, b = b
    for _ in 0..<k {
      sum.addProduct(Lanes(repeating: a[0]), b.lanes)
      a += aColumn
      b += bRow
    }
    c.lanes = sum
  }

  /// √x to 2 units in the last place for x of at least 1e-36, and 1e-18 or less below.
  ///
  /// Newton's iteration for 1/√x from the well-known guess by halving the exponent; `SIMD.squareRoot` would go element by
  /// element.
  @inline(__always) static func squareRoot(_ x: Lanes) -> Lanes {
    let smallest = Lanes(repeating: 1e-36)
    let x = x.replacing(with: smallest, where: x .< smallest)
    let bits = unsafeBitCast(x, to: SIMD8<UInt32>.self)
    var y = unsafeBitCast(SIMD8<UInt32>(repeating: 0x5f37_59df) &- (bits &>> SIMD8<UInt32>(repeating: 1)), to: Lanes.self)
    let half = x * Lanes(repeating: 0.5), threeHalves = Lanes(repeating: 1.5)
    y *= threeHalves - half * y * y
    y *= threeHalves - half * y * y
    y *= threeHalves - half * y * y
    return x * y
  }

  /// max(x, 0) in place.
  static func relu(_ x: UnsafeMutablePointer<Float>, count: Int) {
    var i = 0
    while i < count {
      // Not pointwiseMax: that is a call of the standard library, element by element.
      let value = (x + i).lanes
      (x + i).lanes = value.replacing(with: 0, where: value .< 0)
      i &+= 8
    }
  }

  /// The slope of leakyReLU below 0: PyTorch's.
  static let leak: Float = 0.01

  static func leakyReLU(_ x: UnsafeMutablePointer<Float>, count: Int) {
    var i = 0
    while i < count {
      let value = (x + i).lanes
      (x + i).lanes = value.replacing(with: value * Lanes(repeating: leak), where: value .< 0)
      i &+= 8
    }
  }

  /// tanh in place, to 4 units in the last place: a rational approximation on |x| < 7.9, beyond which floats say ±1.
  static func tanh(_ x: UnsafeMutablePointer<Float>, count: Int) {
    var i = 0
    while i < count {
      (x + i).lanes = tanh((x + i).lanes)
      i &+= 8
    }
  }

  /// The minimax rational of degree 13 over 6 that Eigen and XLA use: x · P(x²) / Q(x²).
  @inline(__always) static func tanh(_ x: Lanes) -> Lanes {
    let bound = Lanes(repeating: 7.905_311_107_635_498)
    let x = x.replacing(with: -bound, where: x .< -bound).replacing(with: bound, where: x .> bound)
    let square = x * x
    var p = Lanes(repeating: -2.760_768_477_423_557e-16)
    p = Lanes(repeating: 2.000_187_904_824_77e-13).addingProduct(p, square)
    p = Lanes(repeating: -8.604_671_522_137_35e-11).addingProduct(p, square)
    p = Lanes(repeating: 5.122_297_090_371_14e-8).addingProduct(p, square)
    p = Lanes(repeating: 1.485_722_357_179_79e-5).addingProduct(p, square)
    p = Lanes(repeating: 6.372_619_288_754_36e-4).addingProduct(p, square)
    p = Lanes(repeating: 4.893_524_558_917_86e-3).addingProduct(p, square)
    var q = Lanes(repeating: 1.198_258_394_667_02e-6)
    q = Lanes(repeating: 1.185_347_056_866_54e-4).addingProduct(q, square)
    q = Lanes(repeating: 2.268_434_632_439_002e-3).addingProduct(q, square)
    q = Lanes(repeating: 4.893_525_185_543_849e-3).addingProduct(q, square)
    return x * p / q
  }
}
