import TestSupport
import Testing
import Torch

/// A module in Python and in Swift: the same seed begins it with the same numbers, and it computes the same.
struct ModuleCase: Sendable, CustomTestStringConvertible {
  typealias Call = ([Tensor]) -> [Tensor]

  /// How PyTorch's is made.
  let python: String
  /// How it is called, with the inputs `a`, `b`, …: a list of tensors.
  let call: String
  let inputs: [Input]
  let swift: @Sendable (Generator) -> (any Module, Call)

  init(
    _ python: String, _ call: String, _ inputs: Input..., swift: @escaping @Sendable (Generator) -> (any Module, Call)
  ) {
    (self.python, self.call, self.inputs, self.swift) = (python, call, inputs, swift)
  }

  /// A module from one tensor to one.
  init(_ python: String, _ input: Input, swift: @escaping @Sendable (Generator) -> any UnaryModule) {
    self.init(python, "[m(a)]", input) { generator in
      let module = swift(generator)
      return (module, { [module($0[0])] })
    }
  }

  var testDescription: String { "\(python): \(call)" }
}

struct ModuleTests {
  struct Named: Codable {
    var shape: [Int]
    var values: [Double]
  }
  struct Expected: Decodable {
    var start, loaded, after: [String: Named]
    var outputs, evaluated: [Named]
    var gradients: [String: Named]
    var inputGradients: [Named]
  }

  static let expected: Result<[Expected], any Error> = Result {
    struct Case: Encodable {
      var python, call: String
      var arguments: [Argument]
      var seed: Int
    }
    return try Python.run(
      """
      import sys, json, math, torch
      from torch import nn
      torch.set_default_dtype(torch.float64); torch.set_num_threads(1)
      kinds = {"real": torch.float64, "integers": torch.int64, "mask": torch.bool}
      def named(t): return {"shape": list(t.shape), "values": t.detach().double().flatten().tolist()}
      results = []
      for case in json.load(sys.stdin):
        tensors = [torch.tensor(x["values"]).reshape(x["shape"]).to(kinds[x["kind"]]) for x in case["arguments"]]
        reals = [t.requires_grad_() for t in tensors if t.is_floating_point()]
        torch.manual_seed(case["seed"])
        m = eval(case["python"], {"nn": nn})
        result = {"start": {k: named(v) for k, v in m.state_dict().items()}}
        with torch.no_grad():
          for p in m.parameters(): p.uniform_(-0.7, 0.7)
        result["loaded"] = {k: named(v) for k, v in m.state_dict().items()}
        call = lambda: eval(case["call"], {"m": m, "torch": torch, **dict(zip("abcdef", tensors))})
        outputs = call()
        loss = sum((o * torch.cos(torch.arange(o.numel()) + i).reshape(o.shape)).sum() for i, o in enumerate(outputs))
        if loss.requires_grad: loss.backward()
        result["outputs"] = [named(o) for o in outputs]
        result["gradients"] = {k: named(p.grad) for k, p in m.named_parameters()}
        result["inputGradients"] = [named(t.grad) for t in reals]
        result["after"] = {k: named(v) for k, v in m.state_dict().items()}
        m.eval()
        result["evaluated"] = [named(o) for o in call()]
        results.append(result)
      print(json.dumps(results))
      """,
      input: cases.enumerated().map {
        Case(
          python: $1.python, call: $1.call, arguments: arguments($1.inputs, seed: 900 + $0), seed: 70 + $0)
      })
  }

  @Test(arguments: cases.indices)
  func equalsPyTorch(_ index: Int) throws {
    let expected = try Self.expected.get()[index]
    let (module, call) = cases[index].swift(Generator(seed: UInt64(70 + index)))
    compare(module.stateDict(), expected.start, "at the start")
    try module.loadStateDict(expected.loaded.mapValues { Tensor($0.values, shape: $0.shape) })
    compare(module.stateDict(), expected.loaded, "loaded")

    let inputs = arguments(cases[index].inputs, seed: 900 + index).map { $0.tensor(differentiated: true) }
    let outputs = call(inputs)
    let terms = outputs.enumerated().map { number, output in
      (output * Tensor.arange(output.numel, dtype: .float64).add(number).cos().reshape(output.shape)).sum()
    }
    let loss = terms.dropFirst().reduce(terms[0], +)
    if loss.requiresGrad { loss.backward() }
    compare(outputs, expected.outputs, "output")
    let gradients = module.namedParameters().compactMap { name, tensor in tensor.grad.map { (name, $0) } }
    compare(Dictionary(uniqueKeysWithValues: gradients), expected.gradients, "gradient")
    compare(inputs.compactMap(\.grad), expected.inputGradients, "gradient of an input")
    compare(module.stateDict(), expected.after, "after a step")
    module.eval()
    compare(call(inputs), expected.evaluated, "evaluated")
  }

  private func compare(_ found: [String: Tensor], _ expected: [String: Named], _ what: String) {
    #expect(Set(found.keys) == Set(expected.keys), "\(what)")
    for (name, values) in expected {
      guard let tensor = found[name] else { continue }
      compare([tensor], [values], "\(what): \(name)")
    }
  }

  private func compare(_ found: [Tensor], _ expected: [Named], _ what: String) {
    #expect(found.map(\.shape) == expected.map(\.shape), "\(what)")
    for (tensor, values) in zip(found, expected) {
      #expect(difference(tensor.detach().array(of: Double.self), values.values) < 1e-11, "\(what)")
    }
  }
}

private func real(_ shape: Int...) -> Input { .real(shape, -1, 1) }

private let cases: [ModuleCase] = [
  ModuleCase("nn.Linear(3, 4)", real(2, 3)) { Linear(3, 4, generator: $0, dtype: .float64) },
  ModuleCase("nn.Linear(3, 4, bias=False)", real(2, 3)) {
    Linear(3, 4, bias: false, generator: $0, dtype: .float64)
  },
  ModuleCase("nn.Conv1d(4, 6, 3, 2, 1, groups=2)", real(2, 4, 7)) {
    Conv1d(4, 6, kernel: 3, stride: 2, padding: 1, groups: 2, generator: $0, dtype: .float64)
  },
  ModuleCase("nn.Conv2d(3, 4, (2, 3), padding=(1, 0), dilation=(1, 2))", real(2, 3, 4, 6)) {
    Conv2d(
      3, 4, kernel: IntPair(2, 3), padding: IntPair(1, 0), dilation: IntPair(1, 2), generator: $0, dtype: .float64)
  },
  ModuleCase("nn.ConvTranspose1d(4, 2, 3, 2, 1, 1, groups=2)", real(2, 4, 5)) {
    ConvTranspose1d(
      4, 2, kernel: 3, stride: 2, padding: 1, outputPadding: 1, groups: 2, generator: $0, dtype: .float64)
  },
  ModuleCase("nn.ConvTranspose2d(3, 2, (2, 3), (2, 1), bias=False)", real(2, 3, 4, 3)) {
    ConvTranspose2d(
      3, 2, kernel: IntPair(2, 3), stride: IntPair(2, 1), bias: false, generator: $0, dtype: .float64)
  },
  ModuleCase("nn.LayerNorm(4)", real(3, 4)) { _ in LayerNorm(4, dtype: .float64) },
  ModuleCase("nn.RMSNorm(4, eps=1e-6)", real(3, 4)) { _ in RMSNorm(4, epsilon: 1e-6, dtype: .float64) },
  ModuleCase("nn.GroupNorm(2, 4)", real(3, 4, 5)) { _ in GroupNorm(2, 4, dtype: .float64) },
  ModuleCase("nn.BatchNorm1d(3)", real(5, 3)) { _ in BatchNorm1d(3, dtype: .float64) },
  ModuleCase("nn.BatchNorm1d(3, eps=1e-3, momentum=0.3, affine=False)", real(4, 3, 5)) { _ in
    BatchNorm1d(3, epsilon: 1e-3, momentum: 0.3, affine: false, dtype: .float64)
  },
  ModuleCase("nn.BatchNorm2d(3)", real(2, 3, 4, 5)) { _ in BatchNorm2d(3, dtype: .float64) },
  ModuleCase("nn.Embedding(5, 3, padding_idx=4)", "[m(a)]", .integers([2, 2], [0, 4, 3, 0])) {
    let module = Embedding(5, 3, paddingIndex: 4, generator: $0, dtype: .float64)
    return (module, { [module($0[0])] })
  },
  ModuleCase("nn.LSTM(3, 4)", "(lambda o, s: [o, *s])(*m(a))", real(5, 2, 3)) {
    let module = LSTM(3, 4, generator: $0, dtype: .float64)
    return (module, {
      let (output, state) = module($0[0])
      return [output, state.h, state.c]
    })
  },
  ModuleCase(
    "nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)", "(lambda o, s: [o, *s])(*m(a, (b, c)))", real(2, 5, 3),
    real(4, 2, 4), real(4, 2, 4)
  ) {
    let module = LSTM(3, 4, layers: 2, batchFirst: true, bidirectional: true, generator: $0, dtype: .float64)
    return (module, {
      let (output, state) = module($0[0], state: ($0[1], $0[2]))
      return [output, state.h, state.c]
    })
  },
  ModuleCase("nn.LSTM(3, 4, bias=False)", "(lambda o, s: [o, *s])(*m(a))", real(5, 3)) {
    let module = LSTM(3, 4, bias: false, generator: $0, dtype: .float64)
    return (module, {
      let (output, state) = module($0[0])
      return [output, state.h, state.c]
    })
  },
  ModuleCase("nn.GRU(3, 4, 3)", "list(m(a, b))", real(5, 2, 3), real(3, 2, 4)) {
    let module = GRU(3, 4, layers: 3, generator: $0, dtype: .float64)
    return (module, {
      let (output, state) = module($0[0], state: $0[1])
      return [output, state]
    })
  },
  ModuleCase("nn.GRU(3, 4, 2, batch_first=True, bidirectional=True)", "list(m(a))", real(2, 5, 3)) {
    let module = GRU(3, 4, layers: 2, batchFirst: true, bidirectional: true, generator: $0, dtype: .float64)
    return (module, {
      let (output, state) = module($0[0])
      return [output, state]
    })
  },
  ModuleCase(
    "nn.MultiheadAttention(6, 2)", "[m(a, b, c, need_weights=False)[0]]", real(3, 2, 6), real(4, 2, 6), real(4, 2, 6)
  ) {
    let module = MultiheadAttention(6, heads: 2, generator: $0, dtype: .float64)
    return (module, { [module($0[0], $0[1], $0[2])] })
  },
  ModuleCase(
    "nn.MultiheadAttention(6, 3, bias=False, batch_first=True)",
    "[m(a, a, a, key_padding_mask=b, attn_mask=torch.ones(3, 3).triu(1) > 0, need_weights=False)[0]]", real(2, 3, 6),
    .mask([2, 3], [false, false, true, false, false, false])
  ) {
    let module = MultiheadAttention(6, heads: 3, bias: false, batchFirst: true, generator: $0, dtype: .float64)
    return (module, { [module($0[0], $0[0], $0[0], keyPaddingMask: $0[1], causal: true)] })
  },
  ModuleCase(
    "nn.MultiheadAttention(4, 2, batch_first=True)", "[m(a, a, a, attn_mask=b, need_weights=False)[0]]", real(2, 3, 4),
    real(4, 3, 3)
  ) {
    let module = MultiheadAttention(4, heads: 2, batchFirst: true, generator: $0, dtype: .float64)
    return (module, { [module($0[0], $0[0], $0[0], mask: $0[1])] })
  },
  ModuleCase("nn.MultiheadAttention(4, 2, batch_first=True)", "[m(a, a, a, attn_mask=b)[0]]", real(2, 3, 4),
    .mask([3, 3], [false, true, false, false, false, true, false, true, false])
  ) {
    let module = MultiheadAttention(4, heads: 2, batchFirst: true, generator: $0, dtype: .float64)
    return (module, { [module($0[0], $0[0], $0[0], mask: $0[1])] })
  },
  ModuleCase("nn.TransformerEncoderLayer(6, 2, 8, dropout=0)", "[m(a)]", real(3, 2, 6)) {
    let module = TransformerEncoderLayer(6, heads: 2, feedForward: 8, generator: $0, dtype: .float64)
    return (module, { [module($0[0])] })
  },
  ModuleCase(
    "nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0, 'gelu', batch_first=True, norm_first=True), 2, "
      + "nn.LayerNorm(6), enable_nested_tensor=False)",
    "[m(a, mask=torch.ones(3, 3).triu(1) > 0)]", real(2, 3, 6)
  ) { generator in
    let first = TransformerEncoderLayer(
      6, heads: 2, feedForward: 8, activation: .gelu, batchFirst: true, normFirst: true, generator: generator,
      dtype: .float64)
    // PyTorch copies the given layer: both begin alike.
    let second = TransformerEncoderLayer(
      6, heads: 2, feedForward: 8, activation: .gelu, batchFirst: true, normFirst: true,
      generator: Generator(seed: 0), dtype: .float64)
    polyakUpdate(second, toward: first, rate: 1)
    let module = TransformerEncoder([first, second], norm: LayerNorm(6, dtype: .float64))
    return (module, { [module($0[0], causal: true)] })
  },
  ModuleCase(
    "nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 4, 2), "
      + "nn.GELU('tanh'), nn.AvgPool2d(1), nn.Upsample(scale_factor=2, mode='bilinear'), nn.AdaptiveAvgPool2d((2, 3)), "
      + "nn.Flatten(), nn.Linear(24, 2), nn.LogSoftmax(1))", real(3, 1, 6, 8)
  ) {
    Sequential(
      Conv2d(1, 2, kernel: 3, padding: 1, generator: $0, dtype: .float64), BatchNorm2d(2, dtype: .float64), ReLU(),
      MaxPool2d(2), Conv2d(2, 4, kernel: 2, generator: $0, dtype: .float64), GELU(tanhApproximation: true),
      AvgPool2d(1), Upsample(scale: 2, mode: .linear()), AdaptiveAvgPool2d(IntPair(2, 3)), Flatten(),
      Linear(24, 2, generator: $0, dtype: .float64), LogSoftmax(dim: 1))
  },
  ModuleCase(
    "nn.Sequential(nn.Conv1d(2, 4, 3), nn.Mish(), nn.MaxPool1d(2, 1, 1), nn.SELU(), nn.AvgPool1d(3, 1, 1), "
      + "nn.AdaptiveAvgPool1d(5), nn.LeakyReLU(), nn.Flatten(0, 1), nn.LogSigmoid(), nn.SiLU(), nn.Sigmoid(), "
      + "nn.Softplus(), nn.Identity(), nn.ELU(0.5), nn.Tanh(), nn.Softmax(-1))", real(2, 2, 9)
  ) {
    Sequential(
      Conv1d(2, 4, kernel: 3, generator: $0, dtype: .float64), Mish(), MaxPool1d(2, stride: 1, padding: 1), SELU(),
      AvgPool1d(3, stride: 1, padding: 1), AdaptiveAvgPool1d(5), LeakyReLU(), Flatten(0, 1), LogSigmoid(), SiLU(),
      Sigmoid(), Softplus(), Identity(), ELU(alpha: 0.5), Tanh(), Softmax(dim: -1))
  },
]
