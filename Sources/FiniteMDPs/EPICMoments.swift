/// The L2 distance of two rewards that were canonicalised by EPIC and divided by their L2 norms, from one look at both
/// tables.
///
/// EPIC adds h(s, s') = γ μ(s') - μ(s) - k, which is of rank two, so that |c|² and c₁·c₂ follow from the sums of the
/// table's squares, rows and columns:
///
///     c₁·c₂ = R₁·R₂ + R₁·h₂ + R₂·h₁ + A h₁·h₂
struct EPICMoments {
  private static let lanes = 8
  private typealias Lanes = SIMD8<Double>

  private let states: Int, actions: Int
  private let discount: Double
  /// Σ R₁², Σ R₂², Σ R₁ R₂.
  private var squares = (0.0, 0.0, 0.0)
  /// Σ over s' and a, [S], and over s and a, [S], of both.
  private var rows: ([Double], [Double])
  private var columns: ([Double], [Double])

  /// - Parameters: two tables [S, A, S].
  init(_ first: [Double], _ second: [Double], states: Int, actions: Int, discount: Double) {
    (self.states, self.actions, self.discount) = (states, actions, discount)
    let zero = [Double](repeating: 0, count: states)
    (rows, columns) = ((zero, zero), (zero, zero))
    first.withUnsafeBufferPointer { first in
      second.withUnsafeBufferPointer { second in
        columns.0.withUnsafeMutableBufferPointer { column0 in
          columns.1.withUnsafeMutableBufferPointer { column1 in
            guard let first = first.baseAddress, let second = second.baseAddress, let column0 = column0.baseAddress,
              let column1 = column1.baseAddress
            else { return }
            for s in 0..<states {
              for a in 0..<actions {
                let begin = (s &* actions &+ a) &* states
                let sums = Self.add(first + begin, second + begin, states, to: column0, column1)
                rows.0[s] += sums.row0
                rows.1[s] += sums.row1
                squares.0 += sums.square0
                squares.1 += sums.square1
                squares.2 += sums.product
              }
            }
          }
        }
      }
    }
  }

  /// One row's sums; the row is added to both columns.
  @inline(__always)
  private static func add(
    _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ count: Int, to column0: UnsafeMutablePointer<Double>,
    _ column1: UnsafeMutablePointer<Double>
  ) -> (row0: Double, row1: Double, square0: Double, square1: Double, product: Double) {
    var row0 = Lanes.zero, row1 = Lanes.zero, square0 = Lanes.zero, square1 = Lanes.zero, product = Lanes.zero
    var k = 0
    while k &+ lanes <= count {
      let a = UnsafeRawPointer(x + k).loadUnaligned(as: Lanes.self)
      let b = UnsafeRawPointer(y + k).loadUnaligned(as: Lanes.self)
      row0 += a
      row1 += b
      square0.addProduct(a, a)
      square1.addProduct(b, b)
      product.addProduct(a, b)
      let to0 = UnsafeMutableRawPointer(column0 + k), to1 = UnsafeMutableRawPointer(column1 + k)
      to0.storeBytes(of: to0.loadUnaligned(as: Lanes.self) + a, as: Lanes.self)
      to1.storeBytes(of: to1.loadUnaligned(as: Lanes.self) + b, as: Lanes.self)
      k &+= lanes
    }
    var sums = (row0.sum(), row1.sum(), square0.sum(), square1.sum(), product.sum())
    while k < count {
      let a = x[k], b = y[k]
      sums = (sums.0 + a, sums.1 + b, sums.2 + a * a, sums.3 + b * b, sums.4 + a * b)
      column0[k] += a
      column1[k] += b
      k &+= 1
    }
    return sums
  }

  /// |c₁/|c₁| - c₂/|c₂||₂ with uniform coverage; nil where too much cancels for it to be good to 1e-11, and where an entry
  /// is not finite.
  var distance: Double? {
    let (one, two) = (h(rows.0), h(rows.1))
    let first = inner(squares.0, rows.0, columns.0, one, rows.0, columns.0, one)
    let second = inner(squares.1, rows.1, columns.1, two, rows.1, columns.1, two)
    let both = inner(squares.2, rows.0, columns.0, one, rows.1, columns.1, two)
    let squared = 2 - 2 * both / (first * second).squareRoot()
    let left = min(first / size(squares.0, one), second / size(squares.1, two))
    guard squared * left > 1e-4, squared.isFinite else { return nil }
    return squared.squareRoot()
  }

  /// μ and k of a reward.
  private func h(_ rows: [Double]) -> (means: [Double], constant: Double) {
    let share = 1 / Double(states * actions)
    let means = rows.map { $0 * share }
    return (means, discount * means.reduce(0, +) / Double(states))
  }

  /// c₁·c₂, given R₁·R₂.
  private func inner(
    _ product: Double, _ rows1: [Double], _ columns1: [Double], _ h1: (means: [Double], constant: Double),
    _ rows2: [Double], _ columns2: [Double], _ h2: (means: [Double], constant: Double)
  ) -> Double {
    var sum = product
    for s in 0..<states {
      sum += discount * (columns1[s] * h2.means[s] + columns2[s] * h1.means[s])
      sum -= rows1[s] * (h2.means[s] + h2.constant) + rows2[s] * (h1.means[s] + h1.constant)
    }
    // h₁·h₂ over all (s, s'): forward(s') - back(s).
    var forward1 = 0.0, forward2 = 0.0, back1 = 0.0, back2 = 0.0, forward = 0.0, back = 0.0
    for s in 0..<states {
      let (f1, f2) = (discount * h1.means[s], discount * h2.means[s])
      let (b1, b2) = (h1.means[s] + h1.constant, h2.means[s] + h2.constant)
      (forward1, forward2, back1, back2) = (forward1 + f1, forward2 + f2, back1 + b1, back2 + b2)
      (forward, back) = (forward + f1 * f2, back + b1 * b2)
    }
    return sum + Double(actions) * (Double(states) * (forward + back) - forward1 * back2 - back1 * forward2)
  }

  /// How large what is added up to |c|² is.
  private func size(_ square: Double, _ h: (means: [Double], constant: Double)) -> Double {
    square + Double(actions * states) * h.means.reduce(0) { $0 + 2 * $1 * $1 }
  }
}

extension RewardCanonicaliser {
  /// The distance |s(R₁) - s(R₂)|₂ of standardised rewards (L2, L2), where it follows from moments alone.
  /// - Returns: nil where it must be computed entry by entry: for any canonicalisation but EPIC with uniform coverage, with
  ///   terminal states, and for rewards nearly the same or nearly trivial.
  public func distanceByMoments(_ first: FiniteMDP.Reward, _ second: FiniteMDP.Reward) -> Double? {
    guard kind == .epic, isUniform, case .transition(let x) = first, case .transition(let y) = second,
      x.count == mdp.stateCount * mdp.actionCount * mdp.stateCount, x.count == y.count, !mdp.isTerminal.contains(true)
    else { return nil }
    return EPICMoments(
      x, y, states: mdp.stateCount, actions: mdp.actionCount, discount: mdp.discount
    ).distance
  }
}
