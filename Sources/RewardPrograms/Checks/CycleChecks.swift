extension Checks {
  /// Rewards that a loop can collect for ever.
  ///
  /// A shaping reward that is a difference of a potential, `phi(next) - phi(now)`, adds up to nothing around a loop of
  /// states (Ng, Harada and Russell 1999, Policy invariance under reward transformations). A summand of the total that
  /// is never negative, and positive in some states, does not: every loop through those states gains by being repeated.
  /// Two kinds of it are certain enough to be named, from the bounds that follow from the schema alone:
  ///
  /// - `living-bonus`: the total, or a term, is positive in every state, by at least 1 % of its greatest value. Longer
  ///   episodes are then better whatever happens in them; if reaching the goal ends the episode, it is avoided.
  /// - `repeatable-bonus`: a summand that is 0 where a condition fails, and positive where it holds. Standing there, or
  ///   leaving and coming back, collects it at every step, unless it ends the episode.
  static func checkCycles(_ elaborator: Elaborator, _ result: Elaborator.ProgramResult) {
    let graph = elaborator.graph
    let total = graph.interval(result.total)
    if isAwayFromZero(total) {
      elaborator.warn(
        "living-bonus", result.span,
        "Every step is worth at least \(short(total.low)): longer episodes are always better, whatever happens in them.",
        suggestion: "subtract a constant, or reward the change of a quantity instead of the quantity")
    } else {
      let inTotal = graph.reachable(from: [result.total])
      for term in result.terms where inTotal[Int(term.node.index)] && isAwayFromZero(graph.interval(term.node)) {
        elaborator.log.report(
          .note, "living-bonus", result.span.after(term.name, elaborator),
          "The term \"\(term.name)\" is worth at least \(short(graph.interval(term.node).low)) in every state.",
          suggestion: "subtract a constant, so that it can be 0")
      }
    }
    for (node, isNegated) in summands(of: result.total, graph) {
      guard !isNegated, let most = bonus(node, graph) else { continue }
      elaborator.log.report(
        .note, "repeatable-bonus", graph.spans[Int(node.index)],
        "This bonus of up to \(short(most)) is paid at every step at which its condition holds.",
        suggestion: "end the episode there, or reward progress: the change of a quantity rather than its value")
    }
  }

  private static func isAwayFromZero(_ interval: Interval) -> Bool {
    !interval.isPoint && interval.low > 0 && interval.low >= 0.01 * interval.high
  }

  /// The total as a sum, with the sign of every summand.
  private static func summands(of total: Node, _ graph: Graph) -> [(node: Node, isNegated: Bool)] {
    var result: [(node: Node, isNegated: Bool)] = []
    var pending = [(node: total, isNegated: false)]
    while let (node, isNegated) = pending.popLast(), result.count < 200 {
      let operation = graph[node]
      let operands = graph.operands(of: operation)
      switch operation.opcode {
      case .add: pending += operands.map { ($0, isNegated) }
      case .subtract: pending += [(operands[0], isNegated), (operands[1], !isNegated)]
      case .negate: pending.append((operands[0], !isNegated))
      case .select:
        // `reward + bonus if condition else reward`: the rest of the sum is inside.
        result.append((node, isNegated))
        if difference(operands[1], operands[2], graph) != nil { pending.append((operands[2], isNegated)) }
        if difference(operands[2], operands[1], graph) != nil { pending.append((operands[1], isNegated)) }
      default: result.append((node, isNegated))
      }
    }
    return result
  }

  /// The most that a bonus on a condition pays; nil if the node is no such bonus.
  private static func bonus(_ node: Node, _ graph: Graph) -> Double? {
    let operation = graph[node]
    let operands = graph.operands(of: operation)
    func paid(_ value: Node) -> Double? {
      let interval = graph.interval(value)
      return interval.low > 0 ? interval.high : nil
    }
    if graph.isBoolean(node) { return 1 }
    switch operation.opcode {
    case .multiply:
      // A condition times what it pays.
      if graph.isBoolean(operands[0]) { return paid(operands[1]) }
      return graph.isBoolean(operands[1]) ? paid(operands[0]) : nil
    case .select:
      // `reward + bonus if condition else reward`, or the bonus alone.
      let (then, otherwise) = (operands[1], operands[2])
      if graph.constantValue(otherwise) == 0 { return paid(then) }
      if graph.constantValue(then) == 0 { return paid(otherwise) }
      return difference(then, otherwise, graph).flatMap(paid) ?? difference(otherwise, then, graph).flatMap(paid)
    default: return nil
    }
  }

  /// `more - base`, if `more` is `base` plus something.
  private static func difference(_ more: Node, _ base: Node, _ graph: Graph) -> Node? {
    let operation = graph[more]
    guard operation.opcode == .add else { return nil }
    let operands = graph.operands(of: operation)
    if operands[0] == base { return operands[1] }
    return operands[1] == base ? operands[0] : nil
  }
}
