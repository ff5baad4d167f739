extension Library {
  static let linearAlgebraFunctions: [Entry] = [
    define("dot", in: "np torch t n", "input other") { elaborator, arguments in
      elaborator.dot(arguments["input"], arguments["other"], arguments.span)
    },
    define("vdot", in: "np torch", "input other") { elaborator, arguments in
      elaborator.dot(arguments["input"], arguments["other"], arguments.span)
    },
    define("inner", in: "np torch", "input other") { elaborator, arguments in elaborator.inner(arguments) },
    define("matmul mm bmm mv", in: "np torch t", "input other") { elaborator, arguments in
      elaborator.matmul(arguments["input"], arguments["other"], arguments.span)
    },
    define("outer ger", in: "np torch", "input other") { elaborator, arguments in elaborator.outer(arguments) },
    define("cross", in: "np torch t torch.linalg", "input other dim") { elaborator, arguments in
      elaborator.cross(arguments)
    },
    define("einsum", in: "np torch", "equation *operands") { elaborator, arguments in elaborator.einsum(arguments) },
    define("normalize", in: "F", "input ord dim eps") { elaborator, arguments in elaborator.normalized(arguments) },
    define("cosine_similarity", in: "F torch", "input other dim eps") { elaborator, arguments in
      elaborator.cosineSimilarity(arguments)
    },
    define("pairwise_distance", in: "F", "input other ord eps keepdim") { elaborator, arguments in
      let difference = elaborator.binary(.subtract, arguments["input"], arguments["other"], arguments.span)
      let shifted = elaborator.binary(
        .add, difference, arguments["eps"].isNone ? .float(1e-6) : arguments["eps"], arguments.span)
      var norm = arguments
      norm.values = ["input": shifted, "dim": .int(-1), "keepdim": arguments["keepdim"]]
      return elaborator.reduced(norm, .norm(arguments["ord"].number ?? 2))
    },
    define("cdist", in: "distance", "input other metric =ord") { elaborator, arguments in
      elaborator.distances(arguments)
    },
    define("cdist", in: "torch", "input other ord =compute_mode") { elaborator, arguments in
      elaborator.distances(arguments)
    },
    define("cosine", in: "distance", "input other") { elaborator, arguments in elaborator.cosineDistance(arguments) },
    define("chebyshev", in: "distance", "input other") { elaborator, arguments in
      elaborator.distance(arguments, .norm(.infinity))
    },
    define("minkowski", in: "distance", "input other ord") { elaborator, arguments in
      elaborator.distance(arguments, .norm(arguments["ord"].number ?? 2))
    },
    define("euclidean", in: "distance", "input other") { elaborator, arguments in
      elaborator.distance(arguments, .norm(2))
    },
    define("cityblock", in: "distance", "input other") { elaborator, arguments in
      elaborator.distance(arguments, .norm(1))
    },
    define("sqeuclidean", in: "distance", "input other") { elaborator, arguments in
      let distance = elaborator.distance(arguments, .norm(2))
      return elaborator.binary(.multiply, distance, distance, arguments.span)
    },
    define("dist", in: "math", "input other") { elaborator, arguments in elaborator.distance(arguments, .norm(2)) },
    define("dist", in: "torch", "input other ord") { elaborator, arguments in
      elaborator.distance(arguments, .norm(arguments["ord"].number ?? 2))
    },
    define("trace", in: "np torch t n", "input") { elaborator, arguments in
      let diagonal = elaborator.diagonal(arguments)
      guard case .array(let array) = diagonal else { return .invalid }
      return elaborator.reduced(array, [array.shape.count - 1], keepdim: false, .sum, arguments)
    },
    define("diagonal diag", in: "np torch t n", "input =dim1 =dim2") { elaborator, arguments in
      elaborator.diagonal(arguments)
    },
    define("solve", in: "np.linalg torch.linalg", "input other") { elaborator, arguments in
      elaborator.matmul(
        elaborator.inverse(arguments, wantsDeterminant: false), arguments["other"], arguments.span)
    },
    define("det", in: "np.linalg torch.linalg torch t", "input") { elaborator, arguments in
      elaborator.inverse(arguments, wantsDeterminant: true)
    },
    define("inv inverse", in: "np.linalg torch.linalg torch t", "input") { elaborator, arguments in
      elaborator.inverse(arguments, wantsDeterminant: false)
    },
  ]
}

extension Elaborator {
  /// The two last axes as a matrix: vectors get a leading or trailing axis of 1.
  func matmul(_ left: Value, _ right: Value, _ span: Span) -> Value {
    if left.isInvalid || right.isInvalid { return .invalid }
    guard var x = toArray(left), var y = toArray(right), !x.shape.isEmpty, !y.shape.isEmpty else {
      return fail("type", span, "\"@\" needs two arrays, not \(left.kindName) and \(right.kindName).")
    }
    // An axis of rows is a batch axis unless there is no other.
    let isLeftVector = x.shape.count == 1, isRightVector = y.shape.count == 1
    if isLeftVector { x = view(x, shape: [.fixed(1)] + x.shape, indices: nil) }
    if isRightVector { y = view(y, shape: y.shape + [.fixed(1)], indices: nil) }
    let (n, k, m) = (x.shape[x.shape.count - 2], x.shape[x.shape.count - 1], y.shape[y.shape.count - 1])
    let leads = (Array(x.shape.dropLast(2)), Array(y.shape.dropLast(2)))
    guard k == y.shape[y.shape.count - 2], let lead = broadcastShape([leads.0, leads.1]) else {
      return fail(
        "shape-mismatch", span,
        "The shapes \(describe(x.shape)) and \(describe(y.shape)) do not go together in a matrix product.")
    }
    var shape = lead + [n, m]
    guard shape.filter(\.isRows).count <= 1, !(k.isRows && kind == .reward) else {
      return fail(
        k.isRows ? "batch-reduction" : "shape-mismatch", span,
        "This matrix product mixes the rows of the batch: a reward may only look at its own row.",
        suggestion: "multiply elementwise and sum over the components: \"(a * b).sum(dim=-1)\"")
    }
    let xs = components(x, broadcastTo: lead + [n, k]), ys = components(y, broadcastTo: lead + [k, m])
    let (rows, inner, columns) = (n.size, k.size, m.size)
    let blocks = lead.reduce(1) { $0 * $1.size }
    guard blocks * rows * columns * inner <= Limits.operations else {
      return fail("too-large", span, "This matrix product is too large.")
    }
    var result: [Node] = []
    for block in 0..<blocks {
      for row in 0..<rows {
        for column in 0..<columns {
          let products = (0..<inner).map { index in
            graph.binary(
              .multiply, xs[(block * rows + row) * inner + index], ys[(block * inner + index) * columns + column])
          }
          result.append(fold(products, k.isRows ? k : nil, .add))
        }
      }
    }
    if isRightVector { shape.removeLast() }
    if isLeftVector { shape.remove(at: shape.count - (isRightVector ? 1 : 2)) }
    return .array(scalarIfNumpy(array(shape, result, max(x.dtype, y.dtype, .int), family([x, y]))))
  }

  func dot(_ left: Value, _ right: Value, _ span: Span) -> Value {
    if left.isInvalid || right.isInvalid { return .invalid }
    guard let x = toArray(left), let y = toArray(right) else {
      return fail("type", span, "\"dot\" needs two arrays, not \(left.kindName) and \(right.kindName).")
    }
    if x.shape.isEmpty || y.shape.isEmpty { return binary(.multiply, .array(x), .array(y), span) }
    if x.family == .torch, x.shape.count != 1 || y.shape.count != 1 {
      return fail(
        "shape-mismatch", span, "\"torch.dot\" needs two vectors, not \(describe(x.shape)) and \(describe(y.shape)).",
        suggestion: "use \"(a * b).sum(dim=-1)\"")
    }
    return matmul(.array(x), .array(y), span)
  }

  /// The sum of products over the last axes, where one operand is a vector.
  fileprivate func inner(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input"), let y = arrayArgument(arguments, "other") else { return .invalid }
    guard x.shape.count <= 1 || y.shape.count <= 1 else {
      return fail(
        "shape-mismatch", arguments.span, "\"\(arguments.name)\" needs a vector on one side.",
        suggestion: "use \"(a * b).sum(dim=-1)\"")
    }
    guard case .array(let product) = binary(.multiply, .array(x), .array(y), arguments.span) else { return .invalid }
    if product.shape.isEmpty { return .array(product) }
    return reduced(product, [product.shape.count - 1], keepdim: false, .sum, arguments)
  }

  fileprivate func outer(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input"), let y = arrayArgument(arguments, "other"), x.shape.count == 1,
      y.shape.count == 1
    else { return fail("shape-mismatch", arguments.span, "\"outer\" needs two vectors.") }
    let column = view(x, shape: x.shape + [.fixed(1)], indices: nil)
    return binary(.multiply, .array(column), .array(y), arguments.span)
  }

  fileprivate func cross(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input"), let y = arrayArgument(arguments, "other"),
      let (shape, nodes) = broadcast([x, y], arguments.span)
    else { return .invalid }
    let number = arguments["dim"].integer ?? -1
    guard let axis = axis(number, shape.count, arguments), shape[axis] == .fixed(3) else {
      return fail("shape-mismatch", arguments.span, "\"cross\" needs vectors of 3, not \(describe(shape)).")
    }
    let stride = strides(shape)[axis]
    var result = nodes[0]
    for index in result.indices {
      let place = (index / stride) % 3
      let base = index - place * stride
      let (i, j) = ((place + 1) % 3, (place + 2) % 3)
      let first = graph.binary(.multiply, nodes[0][base + i * stride], nodes[1][base + j * stride])
      let second = graph.binary(.multiply, nodes[0][base + j * stride], nodes[1][base + i * stride])
      result[index] = graph.binary(.subtract, first, second)
    }
    return .array(array(shape, result, max(x.dtype, y.dtype), family([x, y])))
  }

  fileprivate func einsum(_ arguments: Arguments) -> Value {
    guard case .string(let equation) = arguments["equation"] else {
      return fail("arguments", arguments.span, "\"einsum\" needs its equation as a string.")
    }
    let arrays = arguments.extra.compactMap(toArray)
    let text = equation.filter { $0 != " " }
    let sides = text.components(separatedBy: "->")
    let inputs = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    guard arrays.count == arguments.extra.count, inputs.count == arrays.count, sides.count <= 2,
      zip(inputs, arrays).allSatisfy({ $0.count == $1.shape.count }),
      text.allSatisfy({ $0.isLetter || ",->".contains($0) })
    else {
      return fail("arguments", arguments.span, "The equation \"\(equation.prefix(60))\" does not fit its operands.")
    }
    var sizes: [Character: Dimension] = [:]
    for (labels, array) in zip(inputs, arrays) {
      for (label, dimension) in zip(labels, array.shape) {
        if let known = sizes[label], known != dimension {
          return fail("shape-mismatch", arguments.span, "The axis \"\(label)\" of \"einsum\" has two sizes.")
        }
        sizes[label] = dimension
      }
    }
    let counts = inputs.joined().reduce(into: [Character: Int]()) { $0[$1, default: 0] += 1 }
    let output = sides.count == 2 ? Array(sides[1]) : counts.filter { $0.value == 1 }.keys.sorted()
    guard output.allSatisfy({ sizes[$0] != nil }), Set(output).count == output.count else {
      return fail("arguments", arguments.span, "The result of \"einsum\" names an axis that no operand has.")
    }
    let summed = sizes.keys.filter { !output.contains($0) }.sorted()
    let rows = summed.first { sizes[$0]?.isRows == true }
    if rows != nil, kind == .reward {
      return fail(
        "batch-reduction", arguments.span, "This \"einsum\" sums over the rows of the batch.",
        suggestion: "keep the batch axis in the result")
    }
    return contract(arrays, inputs, output, summed, sizes, rows.flatMap { sizes[$0] }, arguments)
  }

  private func contract(
    _ arrays: [ArrayValue], _ inputs: [[Character]], _ output: [Character], _ summed: [Character],
    _ sizes: [Character: Dimension], _ rows: Dimension?, _ arguments: Arguments
  ) -> Value {
    let order = output + summed
    let extents = order.map { sizes[$0]?.size ?? 1 }
    guard extents.reduce(1, *) <= Limits.elements else {
      return fail("too-large", arguments.span, "This \"einsum\" is too large.")
    }
    let offsets = zip(inputs, arrays).map { labels, array in
      let strides = strides(array.shape)
      let byLabel = order.map { label in
        zip(labels, strides).reduce(0) { $0 + ($1.0 == label && (sizes[label]?.size ?? 1) > 1 ? $1.1 : 0) }
      }
      return gather(sizes: extents, strides: byLabel, start: 0)
    }
    let nodes = arrays.map(components)
    let inner = summed.reduce(1) { $0 * (sizes[$1]?.size ?? 1) }
    let outer = output.reduce(1) { $0 * (sizes[$1]?.size ?? 1) }
    let result = (0..<outer).map { place in
      let products = (0..<inner).map { term in
        let index = place * inner + term
        let factors = zip(nodes, offsets).map { $0[Int($1[index])] }
        return factors.dropFirst().reduce(factors[0]) { graph.binary(.multiply, $0, $1) }
      }
      return fold(products, rows, .add)
    }
    let shape = output.compactMap { sizes[$0] }
    return .array(array(shape, result, arrays.map(\.dtype).max() ?? .float, family(arrays)))
  }

  fileprivate func normalized(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input") else { return .invalid }
    let rank = array.shape.count
    guard let axis = axis(arguments["dim"].integer ?? 1, rank, arguments) else { return .invalid }
    let norm = reduced(array, [axis], keepdim: true, .norm(arguments["ord"].number ?? 2), arguments)
    guard case .array(let sizes) = norm else { return .invalid }
    let least = arguments["eps"].number ?? 1e-12
    let bounded = mapped(sizes) { node, graph in graph.binary(.maximum, node, graph.constant(least)) }
    return binary(.divide, .array(array), bounded, arguments.span)
  }

  fileprivate func cosineSimilarity(_ arguments: Arguments) -> Value {
    let product = binary(.multiply, arguments["input"], arguments["other"], arguments.span)
    guard case .array(let array) = product, let x = arrayArgument(arguments, "input"),
      let y = arrayArgument(arguments, "other"),
      let axis = axis(arguments["dim"].integer ?? 1, array.shape.count, arguments)
    else { return .invalid }
    let least = arguments["eps"].number ?? 1e-8
    let dot = reduced(array, [axis], keepdim: false, .sum, arguments)
    let norms = [x, y].map { vector in
      let size = reduced(vector, [vector.shape.count - array.shape.count + axis], keepdim: false, .norm(2), arguments)
      guard case .array(let sizes) = size else { return Value.invalid }
      return mapped(sizes) { node, graph in graph.binary(.maximum, node, graph.constant(least)) }
    }
    return binary(.divide, dot, binary(.multiply, norms[0], norms[1], arguments.span), arguments.span)
  }

  fileprivate func distance(_ arguments: Arguments, _ reduction: Reduction) -> Value {
    let difference = binary(
      .subtract, arrayValue(arguments["input"]), arrayValue(arguments["other"]), arguments.span)
    guard case .array(let array) = difference else { return .invalid }
    return reduced(array, Array(array.shape.indices), keepdim: false, reduction, arguments)
  }

  fileprivate func distances(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input"), let y = arrayArgument(arguments, "other"), x.shape.count >= 2,
      y.shape.count >= 2
    else {
      return fail(
        "shape-mismatch", arguments.span, "\"cdist\" needs two arrays of points, each of shape [points, axes].",
        suggestion: "make one point an array of one: \"x[None, :]\" or \"[x]\"")
    }
    var order = arguments["ord"].number ?? 2
    switch arguments["metric"] {
    case .none, .string("euclidean"), .string("minkowski"): break
    case .string("cosine"): return cosineDistances(x, y, arguments)
    case .string("cityblock"): order = 1
    case .string("chebyshev"): order = .infinity
    case .string("sqeuclidean"): order = -2
    case let value:
      guard let number = value.number, number > 0 else {
        return fail("arguments", arguments.span, "This metric of \"cdist\" is not supported.")
      }
      order = number
    }
    var left = x.shape, right = y.shape
    left.insert(.fixed(1), at: left.count - 1)
    right.insert(.fixed(1), at: right.count - 2)
    let difference = binary(
      .subtract, .array(view(x, shape: left, indices: nil)), .array(view(y, shape: right, indices: nil)), arguments.span
    )
    guard case .array(let array) = difference else { return .invalid }
    if order == -2 {
      let squares = mapped(array) { node, graph in graph.binary(.multiply, node, node) }
      guard case .array(let squared) = squares else { return .invalid }
      return reduced(squared, [squared.shape.count - 1], keepdim: false, .sum, arguments)
    }
    return reduced(array, [array.shape.count - 1], keepdim: false, .norm(order), arguments)
  }

  /// `1 - u·v / (|u| |v|)` of two vectors.
  fileprivate func cosineDistance(_ arguments: Arguments) -> Value {
    guard let x = arrayArgument(arguments, "input"), let y = arrayArgument(arguments, "other") else { return .invalid }
    let dot = dot(.array(x), .array(y), arguments.span)
    let sizes = [x, y].map { reduced($0, Array($0.shape.indices), keepdim: false, .norm(2), arguments) }
    let product = binary(.multiply, sizes[0], sizes[1], arguments.span)
    return binary(.subtract, .float(1), binary(.divide, dot, product, arguments.span), arguments.span)
  }

  /// The same between every point of one array and every point of another.
  private func cosineDistances(_ x: ArrayValue, _ y: ArrayValue, _ arguments: Arguments) -> Value {
    func directions(_ points: ArrayValue) -> Value {
      let sizes = reduced(points, [points.shape.count - 1], keepdim: true, .norm(2), arguments)
      return binary(.divide, .array(points), sizes, arguments.span)
    }
    guard case .array(let right) = directions(y) else { return .invalid }
    var axes = Array(right.shape.indices)
    axes.swapAt(axes.count - 1, axes.count - 2)
    let cosines = matmul(directions(x), .array(permuted(right, axes)), arguments.span)
    return binary(.subtract, .float(1), cosines, arguments.span)
  }

  fileprivate func diagonal(_ arguments: Arguments) -> Value {
    guard let array = arrayArgument(arguments, "input"), array.shape.count >= 1 else { return .invalid }
    let nodes = components(array)
    if array.shape.count == 1, case .fixed(let count) = array.shape[0], count <= 64 {
      let zero = graph.constant(0)
      let square = (0..<(count * count)).map { $0 % (count + 1) == 0 ? nodes[$0 / (count + 1)] : zero }
      return .array(self.array([.fixed(count), .fixed(count)], square, array.dtype, array.family))
    }
    if array.shape.count == 3, arguments["dim1"].integer == -2, arguments["dim2"].integer == -1,
      case (.fixed(let n), .fixed(let m)) = (array.shape[1], array.shape[2])
    {
      let blocks = nodes.count / max(1, n * m)
      let picked = (0..<blocks).flatMap { block in (0..<min(n, m)).map { nodes[(block * n + $0) * m + $0] } }
      return .array(self.array([array.shape[0], .fixed(min(n, m))], picked, array.dtype, array.family))
    }
    guard array.shape.count == 2, case (.fixed(let n), .fixed(let m)) = (array.shape[0], array.shape[1]) else {
      return fail(
        "shape-mismatch", arguments.span, "\"\(arguments.name)\" needs a matrix, not \(describe(array.shape)).")
    }
    return .array(
      self.array([.fixed(min(n, m))], (0..<min(n, m)).map { nodes[$0 * m + $0] }, array.dtype, array.family))
  }

  /// By cofactors, up to 4 by 4.
  fileprivate func inverse(_ arguments: Arguments, wantsDeterminant: Bool) -> Value {
    guard let array = arrayArgument(arguments, "input"), array.shape.count >= 2,
      case .fixed(let size) = array.shape[array.shape.count - 1], (1...4).contains(size),
      array.shape[array.shape.count - 2] == .fixed(size)
    else {
      return fail("unsupported", arguments.span, "\"\(arguments.name)\" needs square matrices of at most 4 by 4.")
    }
    let nodes = components(array)
    let blocks = nodes.count / (size * size)
    var result: [Node] = []
    for block in 0..<blocks {
      let matrix = (0..<size).map { row in (0..<size).map { nodes[(block * size + row) * size + $0] } }
      let determinant = determinant(matrix)
      if wantsDeterminant {
        result.append(determinant)
        continue
      }
      for row in 0..<size {
        for column in 0..<size {
          let cofactor = self.determinant(minor(matrix, column, row))
          let signed = (row + column) % 2 == 0 ? cofactor : graph.unary(.negate, cofactor)
          result.append(graph.binary(.divide, signed, determinant))
        }
      }
    }
    let shape = wantsDeterminant ? Array(array.shape.dropLast(2)) : array.shape
    return .array(self.array(shape, result, .float, array.family))
  }

  private func minor(_ matrix: [[Node]], _ row: Int, _ column: Int) -> [[Node]] {
    matrix.indices.filter { $0 != row }.map { i in matrix.indices.filter { $0 != column }.map { matrix[i][$0] } }
  }

  private func determinant(_ matrix: [[Node]]) -> Node {
    if matrix.isEmpty { return graph.constant(1) }
    if matrix.count == 1 { return matrix[0][0] }
    var result = graph.constant(0)
    for column in matrix.indices {
      let term = graph.binary(.multiply, matrix[0][column], determinant(minor(matrix, 0, column)))
      result = graph.binary(column % 2 == 0 ? .add : .subtract, result, term)
    }
    return result
  }
}

extension String {
  fileprivate func components(separatedBy separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}
