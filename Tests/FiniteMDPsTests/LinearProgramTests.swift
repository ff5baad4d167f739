import Basics
import FiniteMDPs
import TestSupport
import Testing

@Suite struct LinearProgramTests {
  struct Instance: Codable {
    var costs, lower, upper, rowLower, rowUpper: [Double]
    var rows: [[Double]]
    var maximise: Bool

    /// A program with a known feasible point, equalities, inequalities and ranges, about half of the entries zero.
    static func random(_ random: inout RandomGenerator, maximise: Bool) -> Instance {
      let n = 3 + random.integer(below: 10), m = 1 + random.integer(below: 8)
      let point = (0..<n).map { _ in random.uniform(-1, 2) }
      var instance = Instance(
        costs: (0..<n).map { _ in random.normal() }, lower: point.map { $0 - random.uniform(0, 2) },
        upper: point.map { $0 + random.uniform(0, 2) }, rowLower: [], rowUpper: [], rows: [], maximise: maximise)
      for i in 0..<m {
        let row = (0..<n).map { _ in random.uniform() < 0.5 ? 0 : random.normal() }
        let activity = dot(row, point)
        instance.rows.append(row)
        instance.rowLower.append(i % 3 == 0 ? activity : i % 3 == 1 ? activity - random.uniform() : -1e300)
        instance.rowUpper.append(i % 3 == 0 ? activity : activity + random.uniform())
      }
      return instance
    }

    func column(_ j: Int) -> [Double] { rows.map { $0[j] } }

    var program: LinearProgram {
      var program = LinearProgram(maximise ? .maximise : .minimise)
      for j in costs.indices { program.addVariable(cost: costs[j], lower: lower[j], upper: upper[j]) }
      for i in rows.indices {
        program.addRow(dense: rows[i], atLeast: rowLower[i] < -1e299 ? -.infinity : rowLower[i], atMost: rowUpper[i])
      }
      return program
    }
  }

  @Test(arguments: [false, true]) func equalsScipy(maximise: Bool) throws {
    struct Solved: Decodable { var objective: Double; var values, duals, reduced: [Double] }
    var random = RandomGenerator(seed: maximise ? 31 : 32)
    let instances = (0..<60).map { _ in Instance.random(&random, maximise: maximise) }
    let theirs: [Solved] = try Python.run(
      """
      import json, sys, numpy as np
      from scipy.optimize import linprog
      out = []
      for q in json.load(sys.stdin):
        sign = -1 if q["maximise"] else 1
        A, lo, up = np.array(q["rows"]), np.array(q["rowLower"]), np.array(q["rowUpper"])
        eq = lo == up
        low, high = ~eq & (lo > -1e299), ~eq
        r = linprog(sign * np.array(q["costs"]), A_ub=np.vstack([A[high], -A[low]]),
                    b_ub=np.concatenate([up[high], -lo[low]]), A_eq=A[eq], b_eq=lo[eq],
                    bounds=list(zip(q["lower"], q["upper"])), method="highs-ds")
        assert r.status == 0, r.message
        y = np.zeros(len(lo))
        y[eq] = r.eqlin.marginals
        y[high] += r.ineqlin.marginals[:high.sum()]
        y[low] -= r.ineqlin.marginals[high.sum():]
        out.append(dict(objective=sign * r.fun, values=r.x.tolist(), duals=(sign * y).tolist(),
                        reduced=(sign * (r.lower.marginals + r.upper.marginals)).tolist()))
      print(json.dumps(out))
      """, input: instances)
    for (instance, expected) in zip(instances, theirs) {
      let solution = try instance.program.optimum()
      #expect(agree([solution.objective], [expected.objective]))
      #expect(agree(solution.values, expected.values, within: 1e-7))
      #expect(agree(solution.duals, expected.duals, within: 1e-7))
      #expect(agree(solution.reducedCosts, expected.reduced, within: 1e-7))
      let combined = instance.costs.indices.map { j in instance.costs[j] - dot(solution.duals, instance.column(j)) }
      #expect(agree(solution.reducedCosts, combined, within: 1e-9))
      #expect(agree(solution.activities, instance.rows.map { dot($0, solution.values) }))
    }
  }

  /// Programs that are made infeasible, and what their certificates prove.
  @Test(arguments: [false, true]) func infeasibleProgramsHaveCertificates(maximise: Bool) throws {
    var random = RandomGenerator(seed: 41)
    for _ in 0..<60 {
      var instance = Instance.random(&random, maximise: maximise)
      // A combination of the rows is asked to be above what they allow together.
      let weights = instance.rows.map { _ in random.uniform() }
      var row = [Double](repeating: 0, count: instance.costs.count), reach = 0.0
      for (i, weight) in weights.enumerated() {
        for j in row.indices { row[j] += weight * instance.rows[i][j] }
        reach += weight * instance.rowUpper[i]
      }
      instance.rows.append(row)
      instance.rowLower.append(reach + 0.01)
      instance.rowUpper.append(reach + 5)
      guard case .infeasible(let certificate) = try instance.program.solve() else {
        Issue.record("an infeasible program was not called so")
        continue
      }
      var demand = 0.0, best = 0.0
      for (i, y) in certificate.multipliers.enumerated() where y != 0 {
        let bound = y > 0 ? instance.rowLower[i] : instance.rowUpper[i]
        #expect(abs(bound) < 1e299)
        demand += y * bound
      }
      for j in instance.costs.indices {
        let combined = dot(certificate.multipliers, instance.column(j))
        #expect(abs(combined - certificate.combination[j]) < 1e-8)
        best += combined * (combined > 0 ? instance.upper[j] : instance.lower[j])
      }
      #expect(demand - best > 1e-6)
      #expect(abs(demand - best - certificate.margin) < 1e-8)
    }
  }

  /// Free variables leave nothing but the rows: Σ y (A x) is 0 for every x, and the rows want more.
  @Test func certificatesOverFreeVariables() throws {
    var program = LinearProgram(.minimise, costs: [1, 1], lower: -.infinity)
    program.addRow([.init(0, 1), .init(1, 1)], equals: 1)
    program.addRow([.init(0, 2), .init(1, 2)], atLeast: 3)
    guard case .infeasible(let certificate) = try program.solve() else {
      Issue.record("an infeasible program was not called so")
      return
    }
    #expect(agree([certificate.multipliers[0] / certificate.multipliers[1]], [-2], within: 1e-9))
    #expect(certificate.combination.allSatisfy { $0 == 0 })
    #expect(certificate.margin > 0)
    let error = #expect(throws: GuerdonError.self) { try program.optimum() }
    #expect(error?.message.contains("rows 0, 1 contradict each other") == true)
  }

  @Test(arguments: [false, true]) func unboundedProgramsHaveRays(maximise: Bool) throws {
    var random = RandomGenerator(seed: 51)
    var seen = 0
    for _ in 0..<60 {
      let n = 4, m = 3
      let rows = (0..<m).map { _ in (0..<n).map { _ in random.normal() } }
      var program = LinearProgram(maximise ? .maximise : .minimise, costs: (0..<n).map { _ in random.normal() })
      for row in rows { program.addRow(dense: row, atLeast: -1) }
      let costs = program.costs
      guard case .unbounded(let ray) = try program.solve() else { continue }
      seen += 1
      let rate = dot(costs, ray.direction)
      #expect(maximise ? rate > 1e-7 : rate < -1e-7)
      #expect(abs(rate - ray.rate) < 1e-9)
      #expect(ray.direction.allSatisfy { $0 >= -1e-9 })
      for row in rows { #expect(dot(row, ray.direction) >= -1e-8) }
      #expect(throws: GuerdonError.self) { try program.optimum() }
    }
    // A random cone of three half-spaces in the positive orthant has such a direction more often than not.
    #expect(seen > 20)
  }

  @Test func mistakesAreExplained() throws {
    #expect(throws: GuerdonError.self) { try LinearProgram(.minimise).solve() }
    var program = LinearProgram(.minimise, costs: [1, .nan])
    #expect(throws: GuerdonError.self) { try program.solve() }
    program = LinearProgram(.minimise, costs: [1], lower: 2, upper: 1)
    #expect(throws: GuerdonError.self) { try program.solve() }
    for (variable, coefficient) in [(1, 1.0), (-1, 1), (0, .nan), (Int.max, 1)] {
      program = LinearProgram(.minimise, costs: [1])
      program.addRow([.init(variable, coefficient)], atLeast: 1)
      #expect(throws: GuerdonError.self) { try program.solve() }
    }
    program = LinearProgram(.minimise, costs: [1])
    program.addRow([.init(0, 1), .init(0, 1)], atLeast: 3)
    #expect(try program.optimum().values == [1.5])
    program.addRow([.init(0, 1e-11)], atLeast: 1e-9)
    #expect(agree(try program.optimum().values, [100]))
  }

  /// The occupancy program has V* as duals, the optimal return as objective, and an optimal policy in its solution.
  @Test(arguments: Cases.allCases, [false, true]) func occupancyProgram(_ name: Cases, normalised: Bool) throws {
    let mdp = try name.make()
    let plan = try mdp.policyIteration()
    let optimum = dot(mdp.initial, plan.values)
    let best = try mdp.optimalOccupancy(normalised: normalised)
    #expect(agree([best.objective], [optimum * (normalised ? 1 - mdp.discount : 1)], within: 1e-8))
    #expect(agree(best.values, plan.values, within: 1e-7))
    #expect(agree([try mdp.expectedReturn(of: best.occupancy.policy)], [optimum], within: 1e-7))
    let same = try mdp.occupancy(of: best.occupancy.policy, normalised: normalised)
    #expect(agree(same.stateActions, best.occupancy.stateActions, within: 1e-7))
  }

  /// With a bound on how often something happens, beside scipy on matrices made by numpy.
  @Test func constrainedOccupancy() throws {
    struct Request: Encodable { var states, actions: Int; var table, reward, cost, initial: [Double]; var discount, limit: Double }
    struct Solved: Decodable { var objective, price: Double; var occupancy: [Double] }
    var random = RandomGenerator(seed: 61)
    let mdp = try FiniteMDP.dirichlet(stateCount: 12, actionCount: 3, discount: 0.95, random: &random)
    let cost = (0..<36).map { _ in random.uniform() }
    let free = try mdp.optimalOccupancy(normalised: true)
    let limit = 0.9 * free.occupancy.total(of: cost)
    let ours = try mdp.optimalOccupancy(subjectTo: [OccupancyConstraint(cost, atMost: limit)], normalised: true)
    let theirs: Solved = try Python.run(
      """
      import json, sys, numpy as np
      from scipy.optimize import linprog
      q = json.load(sys.stdin)
      S, A, g = q["states"], q["actions"], q["discount"]
      P = np.array(q["table"]).reshape(S * A, S)
      E = np.kron(np.eye(S), np.ones((1, A))) - g * P.T
      r = linprog(-np.array(q["reward"]), A_ub=[q["cost"]], b_ub=[q["limit"]], A_eq=E,
                  b_eq=(1 - g) * np.array(q["initial"]), method="highs")
      print(json.dumps(dict(objective=-r.fun, price=-r.ineqlin.marginals[0], occupancy=r.x.tolist())))
      """,
      input: Request(
        states: 12, actions: 3, table: mdp.transitions.table, reward: mdp.expectedReward, cost: cost,
        initial: mdp.initial, discount: 0.95, limit: limit))
    #expect(agree([ours.objective], [theirs.objective], within: 1e-8))
    #expect(agree(ours.prices, [theirs.price], within: 1e-6))
    #expect(agree(ours.occupancy.stateActions, theirs.occupancy, within: 1e-6))
    #expect(ours.objective < free.objective - 1e-6)
    #expect(throws: GuerdonError.self) {
      try mdp.optimalOccupancy(subjectTo: [OccupancyConstraint(cost, atMost: -1)])
    }
    #expect(throws: GuerdonError.self) { try mdp.optimalOccupancy(subjectTo: [OccupancyConstraint([1])]) }
  }
}
