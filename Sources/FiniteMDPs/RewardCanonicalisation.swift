import Basics

/// A choice of one reward among those that mean the same.
///
/// Two rewards order all policies alike if they differ by potential shaping (γ Φ(s') - Φ(s)), by S'-redistribution
/// (ρ(s, a, s') with Σ P(s' | s, a) ρ = 0) and by a positive factor. A canonicalisation is linear and takes away the first two,
/// or tries to.
///
/// Source: J. Skalse et al., "STARC: A General Framework For Quantifying Differences Between Reward Functions", 2024.
public enum Canonicalisation: String, Sendable, Hashable, Codable, CaseIterable {
  /// Value-adjusted levelling: c(R)(s, a) = R̄ - V^π(s) + γ E V^π(s'), the advantage of a reference policy.
  case valueAdjustedLevelling = "val"
  /// R(s, a, s') - V^π(s) + γ V^π(s'): takes away shaping only.
  case valueAdjustedPotential = "val-potential"
  /// The least L2 norm among all rewards that mean the same.
  case minimal
  /// The least L2 norm of R(s, a, s') + γ Φ(s') - Φ(s): takes away shaping only.
  case minimalPotential = "minimal-potential"
  /// R + E[γ R(s', A, S') - R(s, A, S') - γ R(S, A, S')] with S, S', A drawn without regard to the dynamics.
  ///
  /// Source: A. Gleave et al., "Quantifying Differences in Reward Functions", 2021, definition 4.1.
  case epic
  /// R + E[γ R(s', A, S'') - R(s, A, S') - γ R(S', A, S'')] with S' ~ P(s, A) and S'' ~ P(s', A) or, in the last term,
  /// P(s', A) too.
  ///
  /// Source: B. Wulfe et al., "Dynamics-Aware Comparison of Learned Reward Functions", 2022, definition 3.
  case dard
  /// R as it is.
  case none

  /// True for those whose result is the same for all rewards that mean the same, and only for them.
  public var isComplete: Bool { self == .valueAdjustedLevelling || self == .minimal }
}

/// A canonicalisation in one process, with everything that does not depend on the reward computed once.
///
/// Terminal states have no rows of their own: V and Φ are 0 there. A table [S, A, S] is looked at as it was given, so
/// shaping must use Φ = 0 in them, as `FiniteMDP.shaped(by:)` does.
public struct RewardCanonicaliser: Sendable {
  public let kind: Canonicalisation
  public let mdp: FiniteMDP
  /// Of VAL.
  private let policy: TabularPolicy
  /// D_S [S] and D_A [A] of EPIC and DARD.
  private let stateCoverage: [Double]
  private let actionCoverage: [Double]
  let isUniform: Bool
  /// I - γ P_π of VAL, or the normal equations of the minimal norm.
  private let solver: LUFactorisation?
  /// 1 / Σ P(s' | s, a)², [S, A], of the minimal norm.
  private let precision: [Double]
  /// P(s' | s, a) as [A, S, S], of DARD.
  private let tables: [Double]

  private var states: Int { mdp.stateCount }
  private var actions: Int { mdp.actionCount }

  /// - Parameters:
  ///   - mdp: its dynamics and discount; its own reward plays no part.
  ///   - policy: the reference policy of VAL; nil is the uniform one.
  ///   - stateCoverage: D_S, [S], of EPIC; nil is the uniform distribution.
  ///   - actionCoverage: D_A, [A], of EPIC and DARD; nil is the uniform distribution.
  /// - Throws: `GuerdonError` for a wrong shape, a coverage that is no distribution, or discount 1 where the values that
  ///   the canonicalisation needs are not finite.
  public init(
    _ kind: Canonicalisation, in mdp: FiniteMDP, policy: TabularPolicy? = nil, stateCoverage: [Double]? = nil,
    actionCoverage: [Double]? = nil
  ) throws {
    let states = mdp.stateCount, actions = mdp.actionCount
    let uniform = TabularPolicy.uniform(stateCount: states, actionCount: actions)
    self.kind = kind
    self.mdp = mdp
    self.policy = policy ?? uniform
    try mdp.check(self.policy)
    self.stateCoverage = stateCoverage ?? [Double](repeating: 1 / Double(states), count: states)
    self.actionCoverage = actionCoverage ?? [Double](repeating: 1 / Double(actions), count: actions)
    isUniform = stateCoverage == nil && actionCoverage == nil
    try checkDistribution(self.stateCoverage, count: states, named: "The coverage of states")
    try checkDistribution(self.actionCoverage, count: actions, named: "The coverage of actions")
    switch kind {
    case .valueAdjustedLevelling, .valueAdjustedPotential:
      solver = try mdp.resolvent(of: self.policy)
      (precision, tables) = ([], [])
    case .minimal:
      // With discount 1 shaping by a constant changes nothing, and Φ is determined only where episodes end.
      if mdp.discount == 1 { try mdp.checkThatEpisodesEnd(under: uniform) }
      precision = Self.precision(of: mdp)
      solver = try LUFactorisation(Self.normalEquations(mdp, precision), size: states)
      tables = []
    case .dard:
      let table = mdp.transitions.table
      var packed = [Double](repeating: 0, count: table.count)
      for row in 0..<states * actions {
        let begin = ((row % actions) * states + row / actions) * states
        for next in 0..<states { packed[begin + next] = table[row * states + next] }
      }
      tables = packed
      (solver, precision) = (nil, [])
    case .minimalPotential, .epic, .none: (solver, precision, tables) = (nil, [], [])
    }
  }

  /// c(R).
  /// - Throws: `GuerdonError` for a reward of a wrong shape or with numbers that are not finite.
  public func callAsFunction(_ reward: FiniteMDP.Reward) throws -> CanonicalReward {
    switch kind {
    case .none: return canonical(try table(of: reward), scale: 0)
    case .valueAdjustedLevelling:
      let expected = try expectedReward(of: reward)
      let (values, scale) = values(of: expected)
      let next = mdp.transitions.expectation(of: values)
      return canonical(
        expected.indices.map { expected[$0] - values[$0 / actions] + mdp.discount * next[$0] }, scale: scale)
    case .valueAdjustedPotential:
      let (values, scale) = try values(of: expectedReward(of: reward))
      return canonical(try shaped(table(of: reward), by: values), scale: scale)
    case .minimal: return try minimal(reward)
    case .minimalPotential:
      let table = try table(of: reward)
      let potential = leastSquaresPotential(of: table)
      return canonical(shaped(table, by: potential), scale: Self.greatest(potential))
    case .epic:
      let table = try table(of: reward)
      let means = means(of: table)
      let constant = mdp.discount * zip(stateCoverage, means).reduce(0) { $0 + $1.0 * $1.1 }
      return canonical(shaped(table, by: means, minus: constant), scale: Self.greatest(means))
    case .dard: return dard(try table(of: reward))
    }
  }

  // MARK: VAL

  /// V^π of an expected reward [S, A], and the greatest number that took part.
  private func values(of expected: [Double]) -> (values: [Double], scale: Double) {
    guard let solver else { return ([], 0) }
    let values = solver.solve(mdp.average(of: expected, under: policy))
    return (values, max(Self.greatest(values), Self.greatest(expected)))
  }

  // MARK: The minimal norm

  private static func precision(of mdp: FiniteMDP) -> [Double] {
    (0..<mdp.stateCount * mdp.actionCount).map { row in
      if mdp.isTerminal[row / mdp.actionCount] { return 0 }
      var sum = 0.0
      mdp.transitions.forEachSuccessor(ofRow: row) { sum += $1 * $1 }
      return 1 / sum
    }
  }

  /// Dᵀ W D with D Φ = γ P Φ - Φ and W the precision, over the states that are not terminal; 1 on the diagonal elsewhere.
  private static func normalEquations(_ mdp: FiniteMDP, _ precision: [Double]) -> [Double] {
    let states = mdp.stateCount, actions = mdp.actionCount
    var matrix = [Double](repeating: 0, count: states * states)
    var row = [Double](repeating: 0, count: states)
    matrix.withUnsafeMutableBufferPointer { matrix in
      row.withUnsafeMutableBufferPointer { row in
        guard let matrix = matrix.baseAddress, let row = row.baseAddress else { return }
        for k in 0..<states * actions where precision[k] > 0 {
          row.update(repeating: 0, count: states)
          mdp.transitions.forEachSuccessor(ofRow: k) { next, probability in
            if !mdp.isTerminal[next] { row[next] = mdp.discount * probability }
          }
          row[k / actions] -= 1
          for s in 0..<states where row[s] != 0 {
            Kernels.add(precision[k] * row[s], row, states, to: matrix + s * states)
          }
        }
        for s in 0..<states where mdp.isTerminal[s] { matrix[s * states + s] = 1 }
      }
    }
    return matrix
  }

  /// w(s, a) P(s' | s, a), where w = (R̄ + γ P Φ - Φ) / q with Φ the weighted least squares of the bracket.
  private func minimal(_ reward: FiniteMDP.Reward) throws -> CanonicalReward {
    let (bracket, potential, expected) = try minimalBracket(of: reward)
    var table = [Double](repeating: 0, count: states * actions * states)
    for row in bracket.indices {
      let weight = bracket[row] * precision[row]
      mdp.transitions.forEachSuccessor(ofRow: row) { table[row * states + $0] = weight * $1 }
    }
    return canonical(table, scale: max(Self.greatest(expected), Self.greatest(potential)))
  }

  /// R̄ + γ P Φ - Φ at the potential Φ that makes Σ (·)² / q least, q = Σ P(s' | s, a)².
  private func minimalBracket(
    of reward: FiniteMDP.Reward
  ) throws -> (bracket: [Double], potential: [Double], expected: [Double]) {
    let expected = try expectedReward(of: reward)
    guard let solver else { return ([], [], expected) }
    var bracket = expected
    var potential = [Double](repeating: 0, count: states)
    // The second round takes away what rounding left in the first.
    for _ in 0..<2 {
      let step = solver.solve(normalSide(bracket))
      for s in 0..<states { potential[s] += step[s] }
      let next = mdp.transitions.expectation(of: potential)
      for row in bracket.indices where precision[row] > 0 {
        bracket[row] = expected[row] + mdp.discount * next[row] - potential[row / actions]
      }
    }
    return (bracket, potential, expected)
  }

  /// -Dᵀ W b.
  private func normalSide(_ bracket: [Double]) -> [Double] {
    let weighted = bracket.indices.map { precision[$0] * bracket[$0] }
    var side = mdp.transitions.push(weighted)
    for s in 0..<states {
      if mdp.isTerminal[s] {
        side[s] = 0
      } else {
        side[s] = weighted[s * actions..<(s + 1) * actions].reduce(0, +) - mdp.discount * side[s]
      }
    }
    return side
  }

  /// c(R) of the minimal norm in coordinates [S, A] in which its L2 norm and its inner products are those of the whole table:
  /// w(s, a) q(s, a)^½; all 0 for a trivial reward.
  /// - Throws: as the canonicalisation, and `GuerdonError` for any other one.
  public func coordinates(of reward: FiniteMDP.Reward) throws -> [Double] {
    guard kind == .minimal else {
      throw GuerdonError.usage("Only the minimal canonicalisation has coordinates [S, A]; this one is \(kind.rawValue).")
    }
    let (bracket, potential, expected) = try minimalBracket(of: reward)
    let scale = max(Self.greatest(expected), Self.greatest(potential))
    if Self.greatest(bracket) <= 1e-12 * scale { return [Double](repeating: 0, count: bracket.count) }
    return bracket.indices.map { bracket[$0] * precision[$0].squareRoot() }
  }

  /// The table [S, A, S] of coordinates of the minimal norm: w(s, a) P(s' | s, a).
  /// - Throws: `GuerdonError` for any other canonicalisation or a wrong shape.
  public func table(ofCoordinates coordinates: [Double]) throws -> [Double] {
    guard kind == .minimal, coordinates.count == states * actions else {
      throw GuerdonError.usage("Coordinates of the minimal canonicalisation are [S, A]; \(coordinates.count) were given.")
    }
    var table = [Double](repeating: 0, count: states * actions * states)
    for row in coordinates.indices {
      let weight = coordinates[row] * precision[row].squareRoot()
      mdp.transitions.forEachSuccessor(ofRow: row) { table[row * states + $0] = weight * $1 }
    }
    return table
  }

  // MARK: Shaping only

  /// Φ that makes Σ (R + γ Φ(s') - Φ(s))² least. The normal equations are a·I - b·11ᵀ over the L states that are not
  /// terminal, with a = A (S + γ² L) and b = 2 γ A.
  private func leastSquaresPotential(of table: [Double]) -> [Double] {
    let living = mdp.isTerminal.lazy.filter { !$0 }.count
    let γ = mdp.discount
    let a = Double(actions) * (Double(states) + γ * γ * Double(living)), b = 2 * γ * Double(actions)
    var side = [Double](repeating: 0, count: states)
    for row in 0..<states * actions where !mdp.isTerminal[row / actions] {
      var sum = 0.0
      for next in 0..<states {
        let entry = table[row * states + next]
        sum += entry
        side[next] -= γ * entry
      }
      side[row / actions] += sum
    }
    for s in 0..<states where mdp.isTerminal[s] { side[s] = 0 }
    let total: Double = side.reduce(0, +), determinant = a - b * Double(living)
    // With discount 1 and no terminal state a constant Φ changes nothing, and 0 is as good as any.
    let shift = determinant > 1e-12 * a ? b * total / determinant : 0
    return (0..<states).map { mdp.isTerminal[$0] ? 0 : (side[$0] + shift) / a }
  }

  /// R(s, a, s') + γ Φ(s') - Φ(s) - constant.
  private func shaped(_ table: [Double], by potential: [Double], minus constant: Double = 0) -> [Double] {
    let forward = potential.map { mdp.discount * $0 }
    return [Double](unsafeUninitializedCapacity: table.count) { out, count in
      table.withUnsafeBufferPointer { table in
        forward.withUnsafeBufferPointer { forward in
          guard let out = out.baseAddress, let table = table.baseAddress, let forward = forward.baseAddress else { return }
          for row in 0..<states &* actions {
            let begin = row &* states
            let base = potential[row / actions] + constant
            for next in 0..<states { out[begin &+ next] = table[begin &+ next] + forward[next] - base }
          }
        }
      }
      count = table.count
    }
  }

  // MARK: EPIC and DARD

  /// E[R(s, A, S')] under the coverages, [S].
  private func means(of table: [Double]) -> [Double] {
    table.withUnsafeBufferPointer { table in
      stateCoverage.withUnsafeBufferPointer { coverage in
        guard let table = table.baseAddress, let coverage = coverage.baseAddress else { return [] }
        return (0..<states).map { s in
          (0..<actions).reduce(0) { sum, a in
            sum + actionCoverage[a] * Kernels.dot(table + (s * actions + a) * states, coverage, states)
          }
        }
      }
    }
  }

  private func dard(_ table: [Double]) -> CanonicalReward {
    let expected = mdp.transitions.expectation(ofTable: table)
    let means = (0..<states).map { s in
      (0..<actions).reduce(0) { $0 + actionCoverage[$1] * expected[s * actions + $1] }
    }
    // third(s, s') = Σ_A D(A) Σ P(S' | s, A) P(S'' | s', A) R(S', A, S''), two matrix products an action.
    var third = [Double](repeating: 0, count: states * states)
    var rewards = third, product = [Double](repeating: 0, count: states), column = product
    tables.withUnsafeBufferPointer { tables in
      rewards.withUnsafeMutableBufferPointer { rewards in
        product.withUnsafeMutableBufferPointer { product in
          column.withUnsafeMutableBufferPointer { column in
            guard let tables = tables.baseAddress, let rewards = rewards.baseAddress,
              let product = product.baseAddress, let column = column.baseAddress
            else { return }
            for a in 0..<actions {
              let dynamics = tables + a * states * states
              for s in 0..<states {
                for next in 0..<states { rewards[s * states + next] = table[(s * actions + a) * states + next] }
              }
              for s in 0..<states {
                product.update(repeating: 0, count: states)
                Kernels.addTransposed(rewards, dynamics + s * states, rows: states, columns: states, into: product)
                Kernels.multiply(dynamics, product, rows: states, columns: states, into: column)
                for next in 0..<states { third[s * states + next] += actionCoverage[a] * column[next] }
              }
            }
          }
        }
      }
    }
    var result = shaped(table, by: means)
    for row in 0..<states * actions {
      for next in 0..<states {
        result[row * states + next] -= mdp.discount * third[row / actions * states + next]
      }
    }
    return canonical(result, scale: Self.greatest(table))
  }

  /// EPIC's own distance, ((1 - ρ) / 2)^½ in [0, 1], where ρ is the correlation of both canonical rewards under
  /// D_S × D_A × D_S.
  /// - Throws: `GuerdonError` for rewards as the canonicalisation, for a trivial reward, which correlates with nothing, and
  ///   for any other canonicalisation.
  public func correlationDistance(_ first: FiniteMDP.Reward, _ second: FiniteMDP.Reward) throws -> Double {
    let x = try self(first), y = try self(second)
    guard x.dependsOnSuccessor else {
      throw GuerdonError.usage("The correlation distance is EPIC's and DARD's; this canonicalisation is \(kind.rawValue).")
    }
    guard !x.isTrivial, !y.isTrivial else {
      throw GuerdonError.usage(
        "The \(x.isTrivial ? "first" : "second") reward is trivial: nothing is left of it in canonical form, so it has no "
          + "correlation with another one.")
    }
    func moment(_ body: (Double, Double) -> Double) -> Double {
      var sum = 0.0
      for row in 0..<states * actions {
        var part = 0.0
        for next in 0..<states {
          part += stateCoverage[next] * body(x.values[row * states + next], y.values[row * states + next])
        }
        sum += part * stateCoverage[row / actions] * actionCoverage[row % actions]
      }
      return sum
    }
    let meanX = moment { x, _ in x }, meanY = moment { _, y in y }
    let spreadX = moment { x, _ in (x - meanX) * (x - meanX) }.squareRoot()
    let spreadY = moment { _, y in (y - meanY) * (y - meanY) }.squareRoot()
    guard spreadX > 0, spreadY > 0 else {
      throw GuerdonError.usage("A reward that is constant where the coverage looks has no correlation with another one.")
    }
    // (1 - ρ) / 2 = E[(x/σ - y/σ)²] / 4, without the cancellation.
    return (moment { x, y in
      let gap = (x - meanX) / spreadX - (y - meanY) / spreadY
      return gap * gap
    } / 4).squareRoot()
  }

  // MARK: Common

  /// Zeroes what belongs to terminal states, and says whether more than rounding is left.
  private func canonical(_ values: [Double], scale: Double) -> CanonicalReward {
    var values = values
    let width = values.count / max(1, states)
    for s in 0..<states where mdp.isTerminal[s] {
      for k in s * width..<(s + 1) * width { values[k] = 0 }
    }
    let least = 1e-12 * scale
    return CanonicalReward(
      stateCount: states, actionCount: actions, values: values, dependsOnSuccessor: width == actions * states,
      isTrivial: !Self.exceeds(values, least))
  }

  /// True if some entry is greater than `least` in size; the root mean square, which is faster, often says so.
  private static func exceeds(_ values: [Double], _ least: Double) -> Bool {
    let squares = values.withUnsafeBufferPointer { values in
      values.baseAddress.map { ScaledDifference($0, 1, $0, 0, count: values.count).sumOfSquares() } ?? 0
    }
    return (squares / Double(max(1, values.count))).squareRoot() > least || greatest(values) > least
  }

  private static func greatest(_ values: [Double]) -> Double {
    values.withUnsafeBufferPointer { values in
      values.baseAddress.map { ScaledDifference($0, 1, $0, 0, count: values.count).greatestAbsolute() } ?? 0
    }
  }

  /// R̄, [S, A]; 0 in terminal states.
  private func expectedReward(of reward: FiniteMDP.Reward) throws -> [Double] {
    try mdp.check(reward)
    var expected: [Double]
    switch reward {
    case .stateAction(let table): expected = table
    case .state(let table): expected = (0..<states * actions).map { table[$0 / actions] }
    case .transition(let table): expected = mdp.transitions.expectation(ofTable: table)
    }
    for row in expected.indices where mdp.isTerminal[row / actions] { expected[row] = 0 }
    return expected
  }

  private func table(of reward: FiniteMDP.Reward) throws -> [Double] {
    try mdp.check(reward)
    return mdp.table(of: reward)
  }
}

extension FiniteMDP {
  /// A reward as a table [S, A, S].
  func table(of reward: Reward) -> [Double] {
    switch reward {
    case .transition(let table): table
    case .stateAction(let table): table.flatMap { [Double](repeating: $0, count: stateCount) }
    case .state(let table): table.flatMap { [Double](repeating: $0, count: actionCount * stateCount) }
    }
  }

  /// - Throws: `GuerdonError` unless the reward has this process's shape and finite numbers.
  func check(_ reward: Reward) throws {
    let (table, count, shape): ([Double], Int, String) =
      switch reward {
      case .transition(let table): (table, stateCount * actionCount * stateCount, "[S, A, S]")
      case .stateAction(let table): (table, stateCount * actionCount, "[S, A]")
      case .state(let table): (table, stateCount, "[S]")
      }
    guard table.count == count else {
      throw GuerdonError.usage(
        "A reward \(shape) of \(stateCount) states and \(actionCount) actions has \(count) numbers; \(table.count) were given.")
    }
    guard table.withUnsafeBufferPointer({ areFinite($0) }) else {
      let bad = table.firstIndex { !$0.isFinite } ?? 0
      throw GuerdonError.usage("The reward at index \(bad) of \(shape) is \(table[bad]); rewards must be finite.")
    }
  }
}

/// x - x is 0 for finite numbers only.
private func areFinite(_ values: UnsafeBufferPointer<Double>) -> Bool {
  guard let base = values.baseAddress else { return true }
  var sum = SIMD8<Double>.zero, k = 0
  while k &+ 8 <= values.count {
    let entries = UnsafeRawPointer(base + k).loadUnaligned(as: SIMD8<Double>.self)
    sum += entries - entries
    k &+= 8
  }
  while k < values.count {
    sum[0] += base[k] - base[k]
    k &+= 1
  }
  return sum.sum() == 0
}
