/// How large a table of rewards [S, A, S] is.
public enum RewardNorm: String, Sendable, Hashable, Codable, CaseIterable {
  /// Σ |x|.
  case l1
  /// (Σ x²)^½.
  case l2
  /// max |x|.
  case lInfinity = "linf"
  /// Σ P(s' | s, a) |x|: a transition that cannot happen does not count.
  case weightedL1 = "weighted-l1"
  /// (Σ P(s' | s, a) x²)^½.
  case weightedL2 = "weighted-l2"
}

/// A reward in the form that a canonicalisation gives it.
public struct CanonicalReward: Sendable, Hashable {
  public let stateCount: Int
  public let actionCount: Int
  /// [S, A] where the next state makes no difference, else [S, A, S]; 0 in terminal states.
  public let values: [Double]
  /// True if `values` is [S, A, S].
  public let dependsOnSuccessor: Bool
  /// True if nothing is left but the rounding of what cancelled: the reward says the same of all policies.
  public let isTrivial: Bool

  /// c(R) as a table [S, A, S].
  public var table: [Double] {
    dependsOnSuccessor ? values : values.flatMap { [Double](repeating: $0, count: stateCount) }
  }

  /// The norm; 0 for a trivial reward, whatever rounding left of it.
  /// - Parameter transitions: P, by which some norms weigh.
  public func norm(_ norm: RewardNorm, in transitions: TransitionModel) -> Double {
    isTrivial ? 0 : Self.norm(norm, of: self, times: 1, minus: self, times: 0, in: transitions)
  }

  /// The norm of scale · x - otherScale · y.
  /// - Precondition: both come from one canonicalisation in one process.
  public static func norm(
    _ norm: RewardNorm, of x: CanonicalReward, times scale: Double, minus y: CanonicalReward,
    times otherScale: Double, in transitions: TransitionModel
  ) -> Double {
    precondition(
      x.values.count == y.values.count && x.dependsOnSuccessor == y.dependsOnSuccessor
        && x.stateCount == transitions.stateCount,
      "rewards are compared in one canonical form of one process")
    return x.values.withUnsafeBufferPointer { first in
      y.values.withUnsafeBufferPointer { second in
        guard let first = first.baseAddress, let second = second.baseAddress else { return 0 }
        let difference = ScaledDifference(first, scale, second, otherScale, count: x.values.count)
        if x.dependsOnSuccessor {
          switch norm {
          case .l1: return difference.sumOfAbsolutes()
          case .l2: return difference.sumOfSquares().squareRoot()
          case .lInfinity: return difference.greatestAbsolute()
          case .weightedL1: return transitions.weightedSum(abs, of: difference)
          case .weightedL2: return transitions.weightedSum({ $0 * $0 }, of: difference).squareRoot()
          }
        }
        // Every value stands for S equal ones, whose probabilities sum to 1.
        let copies = Double(x.stateCount)
        switch norm {
        case .l1: return copies * difference.sumOfAbsolutes()
        case .l2: return (copies * difference.sumOfSquares()).squareRoot()
        case .lInfinity: return difference.greatestAbsolute()
        case .weightedL1: return difference.sumOfAbsolutes()
        case .weightedL2: return difference.sumOfSquares().squareRoot()
        }
      }
    }
  }
}

/// α x - β y, looked at eight entries at a time.
struct ScaledDifference {
  typealias Lanes = SIMD8<Double>
  private let x: UnsafePointer<Double>, y: UnsafePointer<Double>
  private let α: Double, β: Double
  let count: Int

  init(
    _ x: UnsafePointer<Double>, _ α: Double, _ y: UnsafePointer<Double>, _ β: Double, count: Int
  ) {
    (self.x, self.α, self.y, self.β, self.count) = (x, α, y, β, count)
  }

  @inline(__always) subscript(index: Int) -> Double { α * x[index] - β * y[index] }

  @inline(__always) private func lanes(_ index: Int) -> Lanes {
    let first = UnsafeRawPointer(x + index).loadUnaligned(as: Lanes.self)
    let second = UnsafeRawPointer(y + index).loadUnaligned(as: Lanes.self)
    return first * α - second * β
  }

  func sumOfSquares() -> Double {
    var sum = Lanes.zero, other = Lanes.zero, k = 0
    while k &+ 16 <= count {
      let first = lanes(k), second = lanes(k &+ 8)
      sum.addProduct(first, first)
      other.addProduct(second, second)
      k &+= 16
    }
    var total: Double = (sum + other).sum()
    while k < count {
      total += self[k] * self[k]
      k &+= 1
    }
    return total
  }

  func sumOfAbsolutes() -> Double {
    var sum = Lanes.zero, k = 0
    while k &+ 8 <= count {
      // Without the sign bits.
      let bits = unsafeBitCast(lanes(k), to: SIMD8<UInt64>.self) & SIMD8(repeating: 0x7fff_ffff_ffff_ffff)
      sum += unsafeBitCast(bits, to: Lanes.self)
      k &+= 8
    }
    var total: Double = sum.sum()
    while k < count {
      total += abs(self[k])
      k &+= 1
    }
    return total
  }

  func greatestAbsolute() -> Double {
    var most = Lanes.zero, k = 0
    while k &+ 8 <= count {
      let entries = lanes(k)
      most = pointwiseMax(most, pointwiseMax(entries, -entries))
      k &+= 8
    }
    var greatest = most.max()
    while k < count {
      greatest = max(greatest, abs(self[k]))
      k &+= 1
    }
    return greatest
  }
}

extension TransitionModel {
  /// Σ P(s' | s, a) f(x(s, a, s')).
  @inline(__always)
  fileprivate func weightedSum(_ function: (Double) -> Double, of difference: ScaledDifference) -> Double {
    var sum = 0.0
    for row in 0..<stateCount * actionCount {
      forEachSuccessor(ofRow: row) { sum += $1 * function(difference[row &* stateCount &+ $0]) }
    }
    return sum
  }

  /// E[x(s, a, s') | s, a] of a table [S, A, S], as [S, A].
  func expectation(ofTable table: [Double]) -> [Double] {
    precondition(table.count == stateCount * actionCount * stateCount, "a table of transitions is [S, A, S]")
    return table.withUnsafeBufferPointer { table in
      guard let base = table.baseAddress else { return [] }
      return (0..<stateCount * actionCount).map { row in
        switch storage {
        case .dense(let probabilities):
          return probabilities.withUnsafeBufferPointer {
            $0.baseAddress.map { Kernels.dot($0 + row * stateCount, base + row * stateCount, stateCount) } ?? 0
          }
        case .sparse:
          var sum = 0.0
          forEachSuccessor(ofRow: row) { sum += $1 * base[row * stateCount + $0] }
          return sum
        }
      }
    }
  }
}
