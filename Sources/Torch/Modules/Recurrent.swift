internal import CTorch

/// What LSTM and GRU share: their sizes, and weights with PyTorch's names.
///
/// State, for each layer l and, with `_reverse` at the end, each backward one: `weight_ih_l<l>` [gates × hidden, inputs
/// of the layer], `weight_hh_l<l>` [gates × hidden, hidden], `bias_ih_l<l>` and `bias_hh_l<l>` [gates × hidden]; all
/// uniform within ±1/√hidden at first.
public class RecurrentModule: Module {
  public let inputs, hidden, layers: Int
  public let bidirectional, batchFirst: Bool
  let options: ct_recurrent_options
  /// In the order in which LibTorch takes them.
  let weights: [Parameter<Tensor>]

  fileprivate init(
    gates: Int, _ inputs: Int, _ hidden: Int, _ layers: Int, _ bias: Bool, _ batchFirst: Bool, _ bidirectional: Bool,
    _ generator: Generator, _ dtype: DType
  ) {
    precondition(inputs > 0 && hidden > 0 && layers > 0, "A recurrent module has inputs, hidden units and layers.")
    (self.inputs, self.hidden, self.layers) = (inputs, hidden, layers)
    (self.bidirectional, self.batchFirst) = (bidirectional, batchFirst)
    options = ct_recurrent_options(
      layers: Int64(layers), biases: bias, bidirectional: bidirectional, batch_first: batchFirst)
    let bound = 1 / Double(hidden).squareRoot()
    var weights: [Parameter<Tensor>] = []
    for layer in 0..<layers {
      for direction in bidirectional ? ["", "_reverse"] : [""] {
        let width = layer == 0 ? inputs : hidden * (bidirectional ? 2 : 1)
        var shapes = [("weight_ih", [gates * hidden, width]), ("weight_hh", [gates * hidden, hidden])]
        if bias { shapes += [("bias_ih", [gates * hidden]), ("bias_hh", [gates * hidden])] }
        for (name, shape) in shapes {
          let start = Tensor.uniform(shape, low: -bound, high: bound, generator: generator, dtype: dtype)
          weights.append(Parameter(start, name: "\(name)_l\(layer)\(direction)"))
        }
      }
    }
    self.weights = weights
  }

  public var members: [(name: String, member: ModuleMember)] {
    weights.map { ($0.name ?? "", .parameter($0.wrappedValue)) }
  }

  /// The state before a sequence: zeros [layers × directions, batch, hidden], without the batch for one sequence.
  func zeroState(for input: Tensor) -> Tensor {
    let states = layers * (bidirectional ? 2 : 1)
    let batch = input.dim == 3 ? [input.size(batchFirst ? 0 : 1)] : []
    return .zeros([states] + batch + [hidden], dtype: input.dtype, device: input.device)
  }

  /// `body` over a batch, for LibTorch takes no single sequence here.
  fileprivate func batched(
    _ input: Tensor, _ states: [Tensor], _ body: (Tensor, [Tensor]) -> (output: Tensor, states: [Tensor])
  ) -> (output: Tensor, states: [Tensor]) {
    if input.dim == 3 { return body(input, states) }
    let dim = batchFirst ? 0 : 1
    let (output, last) = body(input.unsqueeze(dim), states.map { $0.unsqueeze(1) })
    return (output.squeeze(dim), last.map { $0.squeeze(1) })
  }
}

/// Long short-term memory (Hochreiter & Schmidhuber 1997), in as many layers as wished.
///
/// Input [length, batch, inputs], or [batch, length, inputs] with `batchFirst`, or without the batch; output the same
/// with hidden × directions at the end, and the last h and c [layers × directions, batch, hidden]. No dropout between
/// layers.
public final class LSTM: RecurrentModule {
  public init(
    _ inputs: Int, _ hidden: Int, layers: Int = 1, bias: Bool = true, batchFirst: Bool = false,
    bidirectional: Bool = false, generator: Generator, dtype: DType = .float32
  ) {
    super.init(gates: 4, inputs, hidden, layers, bias, batchFirst, bidirectional, generator, dtype)
  }

  /// - Parameter state: h and c before the sequence; zeros by default.
  public func callAsFunction(
    _ input: Tensor, state: (h: Tensor, c: Tensor)? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> (output: Tensor, state: (h: Tensor, c: Tensor)) {
    let start = state.map { [$0.h, $0.c] } ?? [zeroState(for: input), zeroState(for: input)]
    let (output, last) = batched(input, start) { input, start in
      let out = input.lstm(start[0], start[1], weights.map(\.wrappedValue), options, file, line)
      return (out.output, [out.h, out.c])
    }
    return (output, (last[0], last[1]))
  }
}

/// Gated recurrent units (Cho et al. 2014, arXiv:1406.1078), in as many layers as wished; shapes as for `LSTM`.
public final class GRU: RecurrentModule {
  public init(
    _ inputs: Int, _ hidden: Int, layers: Int = 1, bias: Bool = true, batchFirst: Bool = false,
    bidirectional: Bool = false, generator: Generator, dtype: DType = .float32
  ) {
    super.init(gates: 3, inputs, hidden, layers, bias, batchFirst, bidirectional, generator, dtype)
  }

  /// - Parameter state: h before the sequence; zeros by default.
  public func callAsFunction(
    _ input: Tensor, state: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> (output: Tensor, state: Tensor) {
    let (output, last) = batched(input, [state ?? zeroState(for: input)]) { input, start in
      let out = input.gru(start[0], weights.map(\.wrappedValue), options, file, line)
      return (out.output, [out.h])
    }
    return (output, last[0])
  }
}
