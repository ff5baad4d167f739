import Foundation

/// What can be said about a program that is right in form: doubts are warnings, observations are notes.
enum Checks {
  static func run(_ elaborator: Elaborator, _ result: Elaborator.ProgramResult, survey: Survey) {
    let graph = elaborator.graph
    let outputs = [result.total] + result.terms.map(\.node)
    let isNeeded = graph.reachable(from: outputs)
    checkInputs(elaborator, isNeeded)
    checkFunctions(elaborator, result, survey)
    checkTerms(elaborator, result)
    for index in 0..<graph.count where isNeeded[index] {
      checkDomain(elaborator, graph, Node(index), graph.spans[index])
    }
    checkJumps(elaborator, graph, outputs, isNeeded)
    if elaborator.kind == .reward { checkCycles(elaborator, result) }
  }

  /// Parameters and paths that nothing depends on.
  private static func checkInputs(_ elaborator: Elaborator, _ isNeeded: [Bool]) {
    for input in elaborator.inputs where !input.nodes.contains(where: { isNeeded[Int($0.index)] }) {
      elaborator.warn(
        "unused-input", input.span, "Nothing depends on \"\(input.name)\".", suggestion: "leave it out")
    }
    for parameter in elaborator.unusedParameters {
      elaborator.log.report(
        .note, "unknown-parameter", parameter.span,
        "\"\(parameter.name)\" is no field of \"\(elaborator.schema.environment)\", and nothing uses it.",
        suggestion: elaborator.didYouMean(parameter.name, elaborator.fieldNames) ?? "leave it out")
    }
  }

  /// Functions that were never called.
  private static func checkFunctions(
    _ elaborator: Elaborator, _ result: Elaborator.ProgramResult, _ survey: Survey
  ) {
    for function in survey.functions
    where function.nameSpan != result.span && !elaborator.calledFunctions.contains(function.nameSpan) {
      elaborator.log.report(
        .note, "unused-function", function.nameSpan, "\"\(function.name)\" is never called.", suggestion: "leave it out")
    }
  }

  private static func checkTerms(_ elaborator: Elaborator, _ result: Elaborator.ProgramResult) {
    let graph = elaborator.graph
    let inTotal = graph.reachable(from: [result.total])
    let total = graph.interval(result.total)
    if total.isPoint {
      elaborator.warn(
        "constant-reward", result.span, "The result is always \(total.low): nothing can be learned from it.")
    }
    for term in result.terms {
      let interval = graph.interval(term.node)
      if interval.isPoint {
        elaborator.warn(
          "constant-term", result.span.after(term.name, elaborator),
          "The term \"\(term.name)\" is always \(interval.low).")
      } else if !inTotal[Int(term.node.index)] {
        elaborator.log.report(
          .note, "unused-term", result.span.after(term.name, elaborator),
          "The total does not use the term \"\(term.name)\" as it is reported.")
      }
    }
    checkScales(elaborator, result)
  }

  /// Terms whose ranges differ so much that the small ones cannot matter.
  private static func checkScales(_ elaborator: Elaborator, _ result: Elaborator.ProgramResult) {
    let widths = result.terms.map { term in
      let interval = elaborator.graph.interval(term.node)
      return (term.name, interval.high - interval.low)
    }.filter { $0.1.isFinite && $0.1 > 0 }
    guard let largest = widths.max(by: { $0.1 < $1.1 }), let smallest = widths.min(by: { $0.1 < $1.1 }),
      largest.1 > 100 * smallest.1
    else { return }
    elaborator.warn(
      "scale-imbalance", result.span,
      "The term \"\(largest.0)\" can vary by \(short(largest.1)), \"\(smallest.0)\" only by \(short(smallest.1)).",
      suggestion: "bring the terms to similar scales")
  }

  static func short(_ value: Double) -> String {
    let scale = 1000.0
    return abs(value) < 1e6 ? "\((value * scale).rounded() / scale)" : "\(value)"
  }

  private static func checkDomain(_ elaborator: Elaborator, _ graph: Graph, _ node: Node, _ span: Span) {
    let operation = graph[node]
    let branch = graph.guards[Int(node.index)]
    func operand(_ index: Int32) -> Interval { graph.interval(Node(Int(index)), where: branch) }
    let range = { (interval: Interval) in "[\(short(interval.low)), \(short(interval.high))]" }
    switch operation.opcode {
    case .divide, .floorDivide, .modulo, .fmod:
      let divisor = operand(operation.b)
      if divisor.contains(0), !isEpisodeCount(graph, operation.b) {
        elaborator.warn(
          "division-by-zero", span, "This divides by a value in \(range(divisor)), which may be 0.",
          suggestion: "add a small constant, as in \"x / (y + 1e-6)\"")
      }
    case .log, .log2, .log10:
      let argument = operand(operation.a)
      if argument.low <= 0 {
        elaborator.warn(
          "log-domain", span, "This takes the logarithm of a value in \(range(argument)), which may not be positive.",
          suggestion: "add a small constant, or clip it from below")
      }
    case .log1p:
      let argument = operand(operation.a)
      if argument.low <= -1 {
        elaborator.warn(
          "log-domain", span, "This takes log1p of a value in \(range(argument)), which may be -1 or less.")
      }
    case .squareRoot:
      let argument = operand(operation.a)
      if argument.low < 0 {
        elaborator.warn(
          "sqrt-domain", span, "This takes the square root of a value in \(range(argument)), which may be negative.",
          suggestion: "clip it from below at 0")
      }
    case .arcsin, .arccos:
      let argument = operand(operation.a)
      if argument.low < -1 - 1e-6 || argument.high > 1 + 1e-6 {
        elaborator.warn(
          "arc-domain", span, "This needs a value in [-1, 1], and gets one in \(range(argument)).",
          suggestion: "clip it to [-1, 1]")
      }
    case .exp, .expm1, .sinh, .cosh:
      let argument = operand(operation.a)
      let limit = graph.precision == .single ? 88.0 : 709.0
      if argument.high > limit {
        elaborator.warn(
          "exp-overflow", span, "This exponentiates a value in \(range(argument)), which may overflow.",
          suggestion: "clip it, or take the exponential of minus a distance")
      }
    default: break
    }
  }

  // MARK: Jumps

  /// Conditions that become numbers, and steps like `floor`: where a small change of the state may change the reward
  /// at once.
  private static func checkJumps(_ elaborator: Elaborator, _ graph: Graph, _ outputs: [Node], _ isNeeded: [Bool]) {
    func report(_ node: Node, _ message: String) {
      elaborator.log.report(.note, "discontinuity", graph.spans[Int(node.index)], message)
    }
    let condition = "The reward may jump where this condition changes."
    for output in outputs where graph.isBoolean(output) { report(output, condition) }
    for index in 0..<graph.count where isNeeded[index] {
      let node = Node(index)
      let operation = graph[node]
      switch operation.opcode {
      case .select: if !isContinuous(graph, operation) { report(node, condition) }
      case .floor, .ceil, .round, .truncate, .sign, .floorDivide, .modulo, .fmod:
        report(node, "The reward may jump where this steps from one value to the next.")
      default:
        guard !graph.isBoolean(node) else { break }
        for operand in graph.operands(of: operation) where graph.isBoolean(operand) { report(operand, condition) }
      }
    }
  }

  /// Whether both branches agree where the condition changes, as far as it can be seen: `x if x > 0 else 0`.
  private static func isContinuous(_ graph: Graph, _ select: Operation) -> Bool {
    let comparison = graph[Node(Int(select.a))]
    guard comparison.opcode == .less || comparison.opcode == .lessEqual else { return false }
    return Set([select.b, select.c]) == Set([comparison.a, comparison.b])
  }

  /// Episodes have at least one step.
  private static func isEpisodeCount(_ graph: Graph, _ index: Int32) -> Bool {
    let operation = graph.operations[Int(index)]
    if operation.opcode == .length { return true }
    guard operation.opcode == .multiply || operation.opcode == .subtract else { return false }
    return [operation.a, operation.b].contains { graph.operations[Int($0)].opcode == .length }
  }
}

extension Span {
  /// The place of a term's name in the function, for a caret; the function's own name if it is not spelled out.
  func after(_ name: String, _ elaborator: Elaborator) -> Span {
    let text = elaborator.log.source.text(Span(start: start, end: elaborator.log.source.bytes.count))
    for quote in ["\"", "'"] {
      let key = quote + name + quote
      guard let range = text.range(of: key) else { continue }
      let offset = start + text[..<range.lowerBound].utf8.count
      return Span(start: offset, end: offset + key.utf8.count)
    }
    return self
  }
}
