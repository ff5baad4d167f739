import Basics
import CHiGHS

/// Minimise or maximise cost · x with lower ≤ x ≤ upper and rowLower ≤ A x ≤ rowUpper, solved by HiGHS.
///
/// Variables and rows are added one by one; rows are sparse. A bound that is not there is infinite.
///
/// Source: Q. Huangfu and J. Hall, "Parallelizing the dual revised simplex method", 2018.
public struct LinearProgram: Sendable {
  public enum Sense: Sendable { case minimise, maximise }

  /// One coefficient of a row.
  public struct Term: Sendable, Hashable {
    public var variable: Int
    public var coefficient: Double

    public init(_ variable: Int, _ coefficient: Double) {
      self.variable = variable
      self.coefficient = coefficient
    }
  }

  public let sense: Sense
  public private(set) var costs: [Double] = []
  public private(set) var lower: [Double] = []
  public private(set) var upper: [Double] = []
  public private(set) var rowLower: [Double] = []
  public private(set) var rowUpper: [Double] = []
  private var starts: [Int32] = [0]
  private var indices: [Int32] = []
  private var values: [Double] = []

  public var variableCount: Int { costs.count }
  public var rowCount: Int { rowLower.count }

  public init(_ sense: Sense) { self.sense = sense }

  /// A program whose variables have these costs and share their bounds.
  public init(_ sense: Sense, costs: [Double], lower: Double = 0, upper: Double = .infinity) {
    self.sense = sense
    addVariables(costs: costs, lower: lower, upper: upper)
  }

  /// Adds a variable and returns its number.
  @discardableResult
  public mutating func addVariable(cost: Double = 0, lower: Double = 0, upper: Double = .infinity) -> Int {
    costs.append(cost)
    self.lower.append(lower)
    self.upper.append(upper)
    return costs.count - 1
  }

  /// Adds variables that share their bounds and returns their numbers.
  @discardableResult
  public mutating func addVariables(costs: [Double], lower: Double = 0, upper: Double = .infinity) -> Range<Int> {
    for cost in costs { addVariable(cost: cost, lower: lower, upper: upper) }
    return self.costs.count - costs.count..<self.costs.count
  }

  /// Adds lower ≤ Σ terms ≤ upper and returns the row's number; a variable named twice has its coefficients added up.
  @discardableResult
  public mutating func addRow(_ terms: [Term], atLeast lower: Double = -.infinity, atMost upper: Double = .infinity) -> Int {
    let begin = indices.count
    for term in terms.sorted(by: { $0.variable < $1.variable }) {
      if indices.count > begin, indices[indices.count - 1] == Int32(clamping: term.variable) {
        values[values.count - 1] += term.coefficient
      } else {
        indices.append(Int32(clamping: term.variable))
        values.append(term.coefficient)
      }
    }
    starts.append(Int32(clamping: indices.count))
    rowLower.append(lower)
    rowUpper.append(upper)
    return rowLower.count - 1
  }

  /// Adds Σ terms = value and returns the row's number.
  @discardableResult
  public mutating func addRow(_ terms: [Term], equals value: Double) -> Int {
    addRow(terms, atLeast: value, atMost: value)
  }

  /// Adds lower ≤ coefficients · x ≤ upper, with one coefficient a variable, and returns the row's number.
  @discardableResult
  public mutating func addRow(
    dense coefficients: [Double], atLeast lower: Double = -.infinity, atMost upper: Double = .infinity
  ) -> Int {
    addRow(
      coefficients.enumerated().filter { $1 != 0 }.map { Term($0, $1) }, atLeast: lower, atMost: upper)
  }

  /// The coefficients of a row, in ascending order of their variables.
  public func terms(ofRow row: Int) -> [Term] {
    (Int(starts[row])..<Int(starts[row + 1])).map { Term(Int(indices[$0]), values[$0]) }
  }

  /// An optimal solution. With y the duals and d the reduced costs, d = cost - Aᵀ y.
  public struct Solution: Sendable {
    public let objective: Double
    /// x, one a variable.
    public let values: [Double]
    /// d, one a variable: how fast the objective changes with the bound that holds the variable, 0 if none does.
    public let reducedCosts: [Double]
    /// A x, one a row.
    public let activities: [Double]
    /// y, one a row: how fast the objective changes with the bound that holds the row, 0 if none does.
    public let duals: [Double]
  }

  /// A proof that nothing satisfies all rows (Farkas' lemma): the rows ask y · A x to be at least some number, which no x
  /// within its bounds reaches.
  public struct FarkasCertificate: Sendable {
    /// y, one a row: positive on rows whose lower bound takes part, negative on those whose upper bound does.
    public let multipliers: [Double]
    /// Aᵀ y, one a variable.
    public let combination: [Double]
    /// By how much y · A x falls short at best; above 0.
    public let margin: Double
  }

  /// A direction in which a feasible program may be followed for ever.
  public struct Ray: Sendable {
    /// One a variable, within ±1: x + t·direction satisfies what x does, for every t ≥ 0.
    public let direction: [Double]
    /// cost · direction: below 0 when minimising, above 0 when maximising.
    public let rate: Double
  }

  public enum Outcome: Sendable {
    case optimal(Solution)
    case infeasible(FarkasCertificate)
    case unbounded(Ray)
  }

  /// - Parameters:
  ///   - feasibility: how far a bound may be missed, absolutely; 1e-10 at least.
  ///   - timeLimit: seconds.
  /// - Throws: `GuerdonError` for a malformed program, the time limit, or a solver that gave up.
  public func solve(feasibility: Double = 1e-9, timeLimit: Double = .infinity) throws -> Outcome {
    try check()
    let (status, solution) = run(feasibility, timeLimit)
    switch Int(status) {
    case CHIGHS_OPTIMAL:
      guard let solution, solution.objective.isFinite, solution.values.allSatisfy(\.isFinite) else { throw failure() }
      return .optimal(solution)
    case CHIGHS_INFEASIBLE, CHIGHS_INFEASIBLE_OR_UNBOUNDED:
      if let certificate = try certificate(feasibility, timeLimit) { return .infeasible(certificate) }
      return .unbounded(try ray(feasibility, timeLimit))
    case CHIGHS_UNBOUNDED: return .unbounded(try ray(feasibility, timeLimit))
    case CHIGHS_TIME_LIMIT:
      throw GuerdonError.failure(
        "A linear program of \(variableCount) variables and \(rowCount) rows was not solved within \(timeLimit) s.")
    case CHIGHS_REJECTED:
      throw GuerdonError.failure(
        "HiGHS rejects a linear program of \(variableCount) variables and \(rowCount) rows: "
          + "some coefficient is too large, above 1e15.")
    default: throw failure()
    }
  }

  /// The optimal solution.
  /// - Throws: as `solve`, and `GuerdonError` when there is none.
  public func optimum(feasibility: Double = 1e-9, timeLimit: Double = .infinity) throws -> Solution {
    switch try solve(feasibility: feasibility, timeLimit: timeLimit) {
    case .optimal(let solution): return solution
    case .infeasible(let certificate):
      throw GuerdonError.failure(
        "A linear program of \(variableCount) variables and \(rowCount) rows has no solution: its rows "
          + "\(rows(of: certificate)) contradict each other.")
    case .unbounded(let ray):
      throw GuerdonError.failure(
        "A linear program of \(variableCount) variables and \(rowCount) rows has no optimum: its objective changes by "
          + "\(ray.rate) a step for ever in some direction.")
    }
  }

  private func rows(of certificate: FarkasCertificate) -> String {
    let rows = certificate.multipliers.indices.filter { certificate.multipliers[$0] != 0 }
    return rows.prefix(8).map(String.init).joined(separator: ", ") + (rows.count > 8 ? ", …" : "")
  }

  private func failure() -> GuerdonError {
    .failure(
      "HiGHS could not solve a linear program of \(variableCount) variables and \(rowCount) rows to the accuracy asked "
        + "for; scale its coefficients nearer to 1, or loosen the feasibility.")
  }

  private func run(_ feasibility: Double, _ timeLimit: Double) -> (Int32, Solution?) {
    var x = [Double](repeating: 0, count: variableCount), d = x
    var activity = [Double](repeating: 0, count: rowCount), y = activity
    var program = chighs_program()
    program.columns = Int32(variableCount)
    program.rows = Int32(rowCount)
    program.entries = Int32(indices.count)
    program.maximise = sense == .maximise ? 1 : 0
    program.feasibility = max(feasibility, 1e-10)
    program.time_limit = timeLimit
    let status = x.withUnsafeMutableBufferPointer { x in
      d.withUnsafeMutableBufferPointer { d in
        activity.withUnsafeMutableBufferPointer { activity in
          y.withUnsafeMutableBufferPointer { y in
            var solution = chighs_solution(
              primal: x.baseAddress, reduced_cost: d.baseAddress, activity: activity.baseAddress, dual: y.baseAddress)
            return withColumns(&program) { withRows(&$0) { chighs_solve(&$0, &solution) } }
          }
        }
      }
    }
    guard Int(status) == CHIGHS_OPTIMAL else { return (status, nil) }
    let objective = zip(costs, x).reduce(0) { $0 + $1.0 * $1.1 }
    return (
      status, Solution(objective: objective, values: x, reducedCosts: d, activities: activity, duals: y)
    )
  }

  private func withColumns(
    _ program: inout chighs_program, _ body: (inout chighs_program) -> Int32
  ) -> Int32 {
    costs.withUnsafeBufferPointer { costs in
      lower.withUnsafeBufferPointer { lower in
        upper.withUnsafeBufferPointer { upper in
          program.cost = costs.baseAddress
          program.lower = lower.baseAddress
          program.upper = upper.baseAddress
          return body(&program)
        }
      }
    }
  }

  private func withRows(_ program: inout chighs_program, _ body: (inout chighs_program) -> Int32) -> Int32 {
    rowLower.withUnsafeBufferPointer { rowLower in
      rowUpper.withUnsafeBufferPointer { rowUpper in
        starts.withUnsafeBufferPointer { starts in
          indices.withUnsafeBufferPointer { indices in
            values.withUnsafeBufferPointer { values in
              program.row_lower = rowLower.baseAddress
              program.row_upper = rowUpper.baseAddress
              program.starts = starts.baseAddress
              program.indices = indices.baseAddress
              program.values = values.baseAddress
              return body(&program)
            }
          }
        }
      }
    }
  }

  private func check() throws {
    guard variableCount > 0 else { throw GuerdonError.usage("A linear program needs at least one variable.") }
    guard indices.count < Int(Int32.max) else {
      throw GuerdonError.usage("A linear program of \(indices.count) coefficients is too large for HiGHS.")
    }
    for (j, cost) in costs.enumerated() where !cost.isFinite {
      throw GuerdonError.usage("The cost of variable \(j) is \(cost); it must be finite.")
    }
    func checkBounds(_ name: String, _ lower: [Double], _ upper: [Double]) throws {
      for k in lower.indices {
        guard lower[k] <= upper[k], lower[k] < .infinity, upper[k] > -.infinity else {
          throw GuerdonError.usage("\(name) \(k) is bounded by \(lower[k]) from below and \(upper[k]) from above.")
        }
      }
    }
    try checkBounds("Variable", lower, upper)
    try checkBounds("Row", rowLower, rowUpper)
    for row in 0..<rowCount {
      for k in Int(starts[row])..<Int(starts[row + 1]) {
        guard (0..<variableCount).contains(Int(indices[k])) else {
          throw GuerdonError.usage("Row \(row) names variable \(indices[k]); there are \(variableCount).")
        }
        guard values[k].isFinite else {
          throw GuerdonError.usage("The coefficient of variable \(indices[k]) in row \(row) is \(values[k]).")
        }
      }
    }
  }
}

extension LinearProgram {
  /// The duals of the least total violation of the rows, if there has to be one.
  ///
  /// With p, n ≥ 0 added to every row as A x + p - n, minimising Σ p + n has the duals |y| ≤ 1, and its optimum is by how
  /// much y · A x falls short of what the rows ask for.
  private func certificate(_ feasibility: Double, _ timeLimit: Double) throws -> FarkasCertificate? {
    var elastic = LinearProgram(.minimise)
    for j in 0..<variableCount { elastic.addVariable(lower: lower[j], upper: upper[j]) }
    for row in 0..<rowCount {
      let more = elastic.addVariable(cost: 1), less = elastic.addVariable(cost: 1)
      elastic.addRow(
        terms(ofRow: row) + [Term(more, 1), Term(less, -1)], atLeast: rowLower[row], atMost: rowUpper[row])
    }
    guard case (_, let solution?) = elastic.run(feasibility, timeLimit) else { throw failure() }
    guard solution.objective > feasibility else { return nil }
    // What has the wrong sign, or multiplies a bound that is not there, does so within the solver's tolerance.
    let y = solution.duals.enumerated().map { row, dual in
      dual > 0 ? (rowLower[row] > -.infinity ? dual : 0) : rowUpper[row] < .infinity ? dual : 0
    }
    var combination = [Double](repeating: 0, count: variableCount), margin = 0.0
    for row in 0..<rowCount where y[row] != 0 {
      for term in terms(ofRow: row) { combination[term.variable] += y[row] * term.coefficient }
      margin += y[row] * (y[row] > 0 ? rowLower[row] : rowUpper[row])
    }
    for j in combination.indices {
      let bound = combination[j] > 0 ? upper[j] : lower[j]
      if abs(combination[j]) <= 1e-9 && bound.isInfinite { combination[j] = 0 }
      if combination[j] != 0 { margin -= combination[j] * bound }
    }
    guard margin > 0 else { throw failure() }
    return FarkasCertificate(multipliers: y, combination: combination, margin: margin)
  }

  /// The best direction of length 1 among those that leave every finite bound alone.
  private func ray(_ feasibility: Double, _ timeLimit: Double) throws -> Ray {
    var cone = LinearProgram(sense)
    for j in 0..<variableCount {
      cone.addVariable(
        cost: costs[j], lower: lower[j] > -.infinity ? 0 : -1, upper: upper[j] < .infinity ? 0 : 1)
    }
    for row in 0..<rowCount {
      cone.addRow(
        terms(ofRow: row), atLeast: rowLower[row] > -.infinity ? 0 : -.infinity,
        atMost: rowUpper[row] < .infinity ? 0 : .infinity)
    }
    guard case (_, let solution?) = cone.run(feasibility, timeLimit) else { throw failure() }
    let improves = sense == .minimise ? solution.objective < -feasibility : solution.objective > feasibility
    guard improves else { throw failure() }
    return Ray(direction: solution.values, rate: solution.objective)
  }
}
