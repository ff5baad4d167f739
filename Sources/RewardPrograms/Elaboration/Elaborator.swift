import Basics
import Schemas

/// Runs a program on symbols: names, types and shapes are checked, functions inlined, loops unrolled, branches merged
/// by selection, and what is left is a graph of scalar operations.
///
/// One instance elaborates one program, on one thread. After an error a value is `.invalid` and passes silently, so
/// that one run reports every independent error.
final class Elaborator {
  var graph: Graph
  var heap = Heap()
  var log: DiagnosticLog
  let schema: Schema
  let kind: RewardProgram.Kind
  let convention: RewardProgram.Convention
  /// The family of the inputs: numpy or torch.
  let library: Family

  let globals: Int
  var calls: [CallContext] = []
  /// The condition under which the current statement runs; nil is always.
  var path: Node?
  /// Where Python would raise, if it would anywhere.
  var raised: Node?
  var steps = 0
  /// Elements handled so far: what bounds the time that one step may take.
  private var work = 0
  /// Recursion of the elaborator itself, over statements, expressions and inlined functions.
  var depth = 0
  private var hasGivenUp = false

  var inputs: [InputRecord] = []
  /// Constants of the program's class, read as attributes of `self`.
  var classAttributes: [String: Value] = [:]
  /// Parameters of the entry function that are no fields and that nothing uses.
  var unusedParameters: [(name: String, span: Span)] = []
  /// Where the functions stand that have been called.
  var calledFunctions: Set<Span> = []
  /// Helpers of the prelude used so far, and the frame in which they live.
  var prelude: [String: Value] = [:]
  let preludeFrame: Int
  /// The call of a prelude function in progress: where everything inside it is reported.
  var preludeCall: Span?

  /// Literals that become parameters, by the place where they begin, and the numbers of these parameters.
  private let lifted: [Int: Int]

  /// Fields whose names are paths or calls, by their canonical spelling.
  private let pathFields: [String: Int]

  /// A field that the program asked for.
  struct InputRecord {
    let name: String
    let field: Int
    let span: Span
    let nodes: [Node]
  }

  /// One function being run.
  final class CallContext {
    let closure: Closure?
    let frame: Int
    /// Arrays, lists and dictionaries from here on are the call's own: nobody sees them once it has returned.
    let firstCell: Int
    /// The condition under which the call runs.
    let outerPath: Node?
    /// Conditional and final returns, in order.
    var exits: [(condition: Node?, value: Value)] = []
    /// Rows that have returned.
    var returned: Node?
    var loops: [LoopContext] = []

    init(closure: Closure?, frame: Int, firstCell: Int, outerPath: Node? = nil) {
      self.closure = closure
      self.frame = frame
      self.firstCell = firstCell
      self.outerPath = outerPath
    }

    /// Rows that do not run the next statement.
    func inactive(_ graph: inout Graph) -> Node? {
      var result = returned
      for mask in [loops.last?.broken, loops.last?.continued] {
        guard let mask else { continue }
        result = result.map { graph.binary(.or, $0, mask) } ?? mask
      }
      return result
    }
  }

  final class LoopContext {
    var broken: Node?
    var continued: Node?
  }

  init(
    log: DiagnosticLog, schema: Schema, kind: RewardProgram.Kind, convention: RewardProgram.Convention,
    library: Family, lifted: [Range<Int>] = []
  ) {
    self.log = log
    self.schema = schema
    self.kind = kind
    self.convention = convention
    self.library = library
    self.lifted = Dictionary(
      lifted.enumerated().map { ($1.lowerBound, $0) }, uniquingKeysWith: { first, _ in first })
    graph = Graph(precision: kind == .reward && library == .torch ? .single : .double)
    globals = heap.add(.frame(Heap.Frame()))
    preludeFrame = heap.add(.frame(Heap.Frame()))
    var paths: [String: Int] = [:]
    for (index, field) in schema.fields.enumerated()
    where !field.name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) {
      if let expression = Parser.expression(field.name) { paths[Printer.text(expression)] = index }
    }
    pathFields = paths
  }

  // MARK: Errors and limits

  /// Reports an error and stands for its value.
  @discardableResult
  func fail(
    _ code: String, _ span: Span, _ message: String, suggestion: @autoclosure () -> String? = nil
  ) -> Value {
    log.error(code, preludeCall ?? span, message, suggestion: suggestion())
    return .invalid
  }

  func warn(_ code: String, _ span: Span, _ message: String, suggestion: @autoclosure () -> String? = nil) {
    log.report(.warning, code, preludeCall ?? span, message, suggestion: suggestion())
  }

  /// Emitted operations belong to this place from now on.
  func mark(_ span: Span) {
    graph.span = preludeCall ?? span
    graph.branch = path
  }

  /// Counts elements that an operation handles.
  func spend(_ elements: Int) { work += elements }

  /// Counts a step; false once the program has used up what it may.
  func step(_ span: Span) -> Bool {
    steps += 1
    if hasGivenUp { return false }
    if steps > Limits.steps || graph.count > Limits.operations || work > Limits.work {
      hasGivenUp = true
      let what =
        steps > Limits.steps
        ? "\(Limits.steps) steps"
        : work > Limits.work ? "\(Limits.work) elements" : "\(Limits.operations) scalar operations"
      fail(
        "too-large", span, "The program needs more than \(what) when its loops are unrolled.",
        suggestion: "use whole-array operations, or smaller loops")
      return false
    }
    if depth > Limits.nesting * 4 {
      hasGivenUp = true
      fail("too-deep", span, "Expressions and calls are nested too deep.", suggestion: "name parts of them")
      return false
    }
    return true
  }

  // MARK: Names

  func lookUp(_ name: String) -> Value? {
    var frame: Int? = calls.last?.frame ?? globals
    while let id = frame {
      let contents = heap.frame(id)
      if let value = contents.variables[name] { return value }
      frame = contents.parent
    }
    return Library.globalNames[name] ?? preludeFunction(name)
  }

  func define(_ name: String, _ value: Value) { heap.define(name, value, in: calls.last?.frame ?? globals) }

  /// Every name in sight, for suggestions.
  var visibleNames: [String] {
    var names: [String] = []
    var frame: Int? = calls.last?.frame ?? globals
    while let id = frame {
      names += heap.frame(id).variables.keys
      frame = heap.frame(id).parent
    }
    return names.sorted() + Library.globalNames.keys.sorted()
      + Prelude.functions.keys.filter { !$0.hasPrefix("_") }.sorted()
  }

  func didYouMean(_ name: String, _ candidates: some Sequence<String>) -> String? {
    closest(to: name, among: candidates.filter { $0 != name }).map { "did you mean \"\($0)\"?" }
  }

  // MARK: Inputs

  /// The field of a name or a path; `self.` may stand before it or not.
  func fieldIndex(_ name: String) -> Int? {
    if let index = schema.index(of: name) ?? pathFields[name] { return index }
    guard name.hasPrefix("self.") else { return pathFields["self." + name] }
    let rest = String(name.dropFirst(5))
    return schema.index(of: rest) ?? pathFields[rest]
  }

  /// Whether some field's name goes on after `path`.
  func isPrefixOfField(_ path: String) -> Bool {
    let stem = path.hasPrefix("self.") ? String(path.dropFirst(5)) : path
    let spellings: [String] = [path, stem, "self." + path]
    return pathFields.keys.contains { (key: String) -> Bool in
      spellings.contains { (spelling: String) -> Bool in
        for end in [".", "(", "["] where key.hasPrefix(spelling + end) { return true }
        // `self.cube` is an object if some call takes it.
        for start in ["(", ", "] {
          for end in [",", ")"] where key.contains(start + spelling + end) { return true }
        }
        return false
      }
    }
  }

  /// Whether fields are named as entries of a dict at `path`: `path["x"]`.
  func hasEntries(_ path: String) -> Bool {
    let spellings: [String] = [path, "self." + path] + (path.hasPrefix("self.") ? [String(path.dropFirst(5))] : [])
    return pathFields.keys.contains { (key: String) -> Bool in
      spellings.contains { key.hasPrefix($0 + "['") || key.hasPrefix($0 + "[\"") }
    }
  }

  /// The objects of a list in the environment, whose fields begin with `path[0]`, `path[1]`, …; nil if there is none.
  func elements(of path: String, _ span: Span) -> [Value]? {
    var values: [Value] = []
    while values.count < Limits.elements {
      let text = "\(path)[\(values.count)]"
      if let value = input(text, span) {
        values.append(value)
      } else if isPrefixOfField(text) {
        values.append(.path(text))
      } else {
        break
      }
    }
    return values.isEmpty ? nil : values
  }

  var fieldNames: [String] { schema.fields.map(\.name) }

  /// For who asked for a field that is not there.
  var fieldList: String {
    fieldNames.isEmpty ? "it has no fields at all" : "its fields are: " + fieldNames.prefix(20).joined(separator: ", ")
  }

  /// The value of a field; nil if the schema has none of that name.
  func input(_ name: String, _ span: Span, annotation: String? = nil) -> Value? {
    guard let index = fieldIndex(name) else { return nil }
    let field = schema.fields[index]
    if field.fitnessOnly, kind == .reward {
      return fail(
        "fitness-only", span, "The field \"\(name)\" is only for the fitness: a reward may not read it.",
        suggestion: "use the quantities that the learner may know: "
          + schema.fields.filter { !$0.fitnessOnly }.map(\.name).prefix(12).joined(separator: ", "))
    }
    let nodes = (0..<field.width).map { component in
      graph.input(
        column: schema.offsets[index] + component, length: field.shared ? .single : .rows,
        interval: Interval(field.low, field.high))
    }
    if !inputs.contains(where: { $0.field == index }) {
      inputs.append(InputRecord(name: name, field: index, span: span, nodes: nodes))
    }
    if field.shared, field.shape.isEmpty, field.low == field.high {
      return Int(exactly: field.low).map { .int($0) } ?? .float(field.low)
    }
    let shape: [Dimension] = field.shape.map { .fixed($0) }
    let isPlainNumber = field.shape.isEmpty && ["float", "int", "bool"].contains(annotation ?? "")
    let dtype: DType = annotation == "int" ? .int : annotation == "bool" ? .bool : .float
    switch convention {
    case .batched where isPlainNumber && kind == .reward:
      return .array(ArrayValue(shape: [], dtype: dtype, family: .python, backing: .immediate(nodes)))
    case .batched where field.shared:
      return .array(array(shape, nodes, .float, field.shape.isEmpty ? .python : library))
    case .batched: return .array(array([.rows(.rows)] + shape, nodes, .float, library))
    case .perTransition:
      let family: Family = field.shape.isEmpty && library == .numpy ? .python : library
      return .array(array(shape, nodes, isPlainNumber ? dtype : .float, family))
    }
  }

  // MARK: Arrays

  /// A new array; torch's tensors and numpy's arrays can be written to, numbers cannot.
  func array(_ shape: [Dimension], _ nodes: [Node], _ dtype: DType, _ family: Family) -> ArrayValue {
    spend(nodes.count)
    let isMutable = family == .torch || (family == .numpy && !shape.isEmpty)
    let backing: ArrayValue.Backing = isMutable ? .stored(heap.add(.array(nodes)), nil) : .immediate(nodes)
    return ArrayValue(shape: shape, dtype: dtype, family: family, backing: backing)
  }

  func scalar(_ node: Node, _ dtype: DType, _ family: Family) -> ArrayValue { array([], [node], dtype, family) }

  func components(_ array: ArrayValue) -> [Node] {
    switch array.backing {
    case .immediate(let nodes): return nodes
    case .stored(let id, nil): return heap.array(id)
    case .stored(let id, let indices?):
      let nodes = heap.array(id)
      return indices.map { nodes[Int($0)] }
    }
  }

  /// The same components in another arrangement: `indices` are into `array`'s components. A view where it can be.
  func view(_ array: ArrayValue, shape: [Dimension], indices: [Int32]?) -> ArrayValue {
    var result = array
    result.shape = shape
    guard let indices else { return result }
    spend(indices.count)
    switch array.backing {
    case .immediate(let nodes): result.backing = .immediate(indices.map { nodes[Int($0)] })
    case .stored(let id, nil): result.backing = .stored(id, indices)
    case .stored(let id, let base?): result.backing = .stored(id, indices.map { base[Int($0)] })
    }
    return result
  }

  /// A copy that nothing else can write to.
  func copy(_ array: ArrayValue) -> ArrayValue { self.array(array.shape, components(array), array.dtype, array.family) }

  func describe(_ shape: [Dimension]) -> String {
    let names = shape.map { dimension in
      switch dimension {
      case .fixed(let count): String(count)
      case .rows(.rows): kind == .fitness ? "T" : "B"
      case .rows(let id): describe(graph.lengths[Int(id.index)])
      case .selected: "selected"
      }
    }
    return "[" + names.joined(separator: ", ") + "]"
  }

  private func describe(_ length: Length) -> String {
    switch length {
    case .single: "1"
    case .rows: "T"
    case .dropping(let base, let count): "\(describe(base))-\(count)"
    case .atMost(let base, let count): "min(\(describe(base)), \(count))"
    case .every(let base, let step): "\(describe(base))/\(step)"
    }
  }

  /// The array of a number, an array, or a list of them; nil if it is something else.
  func toArray(_ value: Value) -> ArrayValue? {
    switch value {
    case .array(let array): return array
    case .bool(let flag): return immediate(flag ? 1 : 0, .bool)
    case .int(let number): return immediate(Double(number), .int)
    case .float(let number): return immediate(number, .float)
    case .size(let id):
      guard kind == .fitness else { return nil }
      return ArrayValue(shape: [], dtype: .int, family: .python, backing: .immediate([graph.length(id)]))
    case .list, .tuple, .range: return stacked(value)
    default: return nil
    }
  }

  /// The parameter that a literal was made into; nil for every other expression.
  func parameter(_ literal: Expression) -> Value? {
    guard !lifted.isEmpty, let number = lifted[literal.span.start] else { return nil }
    let value: Double
    switch literal.kind {
    case .integer(let integer): value = Double(integer)
    case .float(let float): value = float
    case .unary(.minus, let operand):
      guard let magnitude = parameterMagnitude(operand) else { return nil }
      value = -magnitude
    default: return nil
    }
    let node = graph.parameter(number, value: value)
    return .array(ArrayValue(shape: [], dtype: .float, family: .python, backing: .immediate([node])))
  }

  private func parameterMagnitude(_ literal: Expression) -> Double? {
    switch literal.kind {
    case .integer(let integer): Double(integer)
    case .float(let float): float
    default: nil
    }
  }

  private func immediate(_ number: Double, _ dtype: DType) -> ArrayValue {
    ArrayValue(shape: [], dtype: dtype, family: .python, backing: .immediate([graph.constant(number)]))
  }

  /// numpy's `np.array(list)`: elements of one shape, stacked along a new first axis.
  private func stacked(_ value: Value) -> ArrayValue? {
    guard let items = sequence(value), items.count <= Limits.elements else { return nil }
    var arrays: [ArrayValue] = []
    for item in items {
      spend(1)
      guard !isExhausted, let array = toArray(item) else { return nil }
      arrays.append(array)
    }
    guard let first = arrays.first else { return array([.fixed(0)], [], .float, .numpy) }
    // A plain number beside values per row is the same in every row.
    guard let shape = broadcastShape(arrays.map(\.shape)),
      arrays.allSatisfy({ $0.shape == shape || $0.shape.isEmpty && !shape.contains { !$0.isRows } })
        || arrays.count == 1
    else { return nil }
    let dtype = arrays.map(\.dtype).max() ?? first.dtype
    var nodes: [Node] = []
    for array in arrays { nodes += components(array) }
    guard nodes.count <= Limits.elements else { return nil }
    return array([.fixed(items.count)] + shape, nodes, dtype, .numpy)
  }

  /// The elements of a static sequence; nil if it is not one.
  func sequence(_ value: Value) -> [Value]? {
    switch value {
    case .tuple(let values, _): return values
    case .list(let id): return heap.list(id)
    case .range(let start, let stop, let step):
      let count = step > 0 ? max(0, (stop - start + step - 1) / step) : max(0, (start - stop - step - 1) / -step)
      guard count <= Limits.elements else { return nil }
      spend(count)
      return (0..<count).map { .int(start + $0 * step) }
    default: return nil
    }
  }

  /// A tuple is a value: what it holds is counted, since it is compared and merged as a whole.
  func makeTuple(_ values: [Value], _ span: Span) -> Value {
    var count = 0
    var pending = values
    while let value = pending.popLast() {
      count += 1
      if case .tuple(let inner, _) = value { pending += inner }
      if count > Limits.elements {
        return fail("too-large", span, "A tuple would hold more than \(Limits.elements) values.")
      }
    }
    spend(count)
    return .tuple(values)
  }

  /// Whether the program has used up what it may: what recurses over values stops here.
  var isExhausted: Bool { work > Limits.work }

  func makeList(_ values: [Value]) -> Value {
    spend(values.count)
    return .list(heap.add(.list(values)))
  }
}
