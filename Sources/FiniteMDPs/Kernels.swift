/// Four doubles: one AVX register.
private typealias Lanes = SIMD4<Double>

extension UnsafePointer<Double> {
  @inline(__always) fileprivate var lanes: Lanes { UnsafeRawPointer(self).loadUnaligned(as: Lanes.self) }
}

extension UnsafeMutablePointer<Double> {
  @inline(__always) fileprivate var lanes: Lanes {
    get { UnsafeRawPointer(self).loadUnaligned(as: Lanes.self) }
    nonmutating set { UnsafeMutableRawPointer(self).storeBytes(of: newValue, as: Lanes.self) }
  }
}

/// The inner loops over contiguous doubles.
enum Kernels {
  /// out[i] = Σ_j matrix[i, j] vector[j]; every sum is made in the same order whatever `rows` is.
  static func multiply(
    _ matrix: UnsafePointer<Double>, _ vector: UnsafePointer<Double>, rows: Int, columns: Int,
    into out: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<rows { out[i] = dot(matrix + i &* columns, vector, columns) }
  }

  /// out[j] += Σ_i weights[i] matrix[i, j], four rows at a time.
  static func addTransposed(
    _ matrix: UnsafePointer<Double>, _ weights: UnsafePointer<Double>, rows: Int, columns: Int,
    into out: UnsafeMutablePointer<Double>
  ) {
    var i = 0
    while i &+ 4 <= rows {
      let row0 = matrix + i &* columns, row1 = row0 + columns, row2 = row1 + columns, row3 = row2 + columns
      let (x0, x1, x2, x3) = (weights[i], weights[i &+ 1], weights[i &+ 2], weights[i &+ 3])
      var j = 0
      while j &+ 4 <= columns {
        var sum: Lanes = (out + j).lanes
        sum.addProduct((row0 + j).lanes, Lanes(repeating: x0))
        sum.addProduct((row1 + j).lanes, Lanes(repeating: x1))
        sum.addProduct((row2 + j).lanes, Lanes(repeating: x2))
        sum.addProduct((row3 + j).lanes, Lanes(repeating: x3))
        (out + j).lanes = sum
        j &+= 4
      }
      while j < columns {
        out[j] += x0 * row0[j] + x1 * row1[j] + x2 * row2[j] + x3 * row3[j]
        j &+= 1
      }
      i &+= 4
    }
    while i < rows {
      add(weights[i], matrix + i &* columns, columns, to: out)
      i &+= 1
    }
  }

  @inline(__always)
  static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
    var sum0 = Lanes.zero, sum1 = Lanes.zero, sum2 = Lanes.zero, sum3 = Lanes.zero
    var j = 0
    while j &+ 16 <= count {
      sum0.addProduct((a + j).lanes, (b + j).lanes)
      sum1.addProduct((a + (j &+ 4)).lanes, (b + (j &+ 4)).lanes)
      sum2.addProduct((a + (j &+ 8)).lanes, (b + (j &+ 8)).lanes)
      sum3.addProduct((a + (j &+ 12)).lanes, (b + (j &+ 12)).lanes)
      j &+= 16
    }
    var sum: Double = ((sum0 + sum1) + (sum2 + sum3)).sum()
    while j < count {
      sum += a[j] * b[j]
      j &+= 1
    }
    return sum
  }

  /// Σ_k a[k] b[index[k]] over `first` ..< `end`; four sums side by side, as one would wait for every addition.
  @inline(__always)
  static func gatheredDot(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, at index: UnsafePointer<Int32>, entries first: Int,
    to end: Int
  ) -> Double {
    var sums = Lanes.zero
    var k = first
    while k &+ 4 <= end {
      let gathered = Lanes(
        b[Int(index[k])], b[Int(index[k &+ 1])], b[Int(index[k &+ 2])], b[Int(index[k &+ 3])])
      sums.addProduct((a + k).lanes, gathered)
      k &+= 4
    }
    var sum: Double = sums.sum()
    while k < end {
      sum += a[k] * b[Int(index[k])]
      k &+= 1
    }
    return sum
  }

  /// y[j] += x row[j].
  @inline(__always)
  static func add(
    _ x: Double, _ row: UnsafePointer<Double>, _ count: Int, to y: UnsafeMutablePointer<Double>
  ) {
    let factor = Lanes(repeating: x)
    var j = 0
    while j &+ 4 <= count {
      var sum: Lanes = (y + j).lanes
      sum.addProduct((row + j).lanes, factor)
      (y + j).lanes = sum
      j &+= 4
    }
    while j < count {
      y[j] += x * row[j]
      j &+= 1
    }
  }
}
