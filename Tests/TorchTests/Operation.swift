import Basics
import Foundation
import TestSupport
import Testing
import Torch

/// One operation, written once in Python and once in Swift, over inputs that both receive.
struct Operation: Sendable, CustomTestStringConvertible {
  /// What the Python side evaluates, with the inputs called `a`, `b`, `c` and so on.
  let python: String
  let inputs: [Input]
  /// How often it can be differentiated: 0, 1 or 2 times are compared.
  let order: Int
  let swift: @Sendable ([Tensor]) -> Tensor

  init(_ python: String, _ inputs: Input..., order: Int = 2, _ swift: @escaping @Sendable ([Tensor]) -> Tensor) {
    (self.python, self.inputs, self.order, self.swift) = (python, inputs, order, swift)
  }

  var testDescription: String { python }
}

/// An input: random reals within bounds (differentiated), or given integers or booleans.
enum Input: Sendable {
  case real([Int], Double = -1, Double = 1)
  case integers([Int], [Int])
  case mask([Int], [Bool])
}

/// The values of an operation: its result, and the first and second derivatives of weighted sums.
struct Evaluation: Codable, Sendable {
  var shape: [Int]
  var forward: [Double]
  var gradient: [[Double]]
  var second: [[Double]]
}

struct Argument: Codable, Sendable {
  var kind: String
  var shape: [Int]
  var values: [Double]
}

/// The inputs' values, drawn from a seed.
func arguments(_ inputs: [Input], seed: Int) -> [Argument] {
  var random = RandomGenerator(seed: UInt64(seed))
  return inputs.map { input in
    switch input {
    case .real(let shape, let low, let high):
      Argument(
        kind: "real", shape: shape, values: (0..<shape.reduce(1, *)).map { _ in random.uniform(low, high) })
    case .integers(let shape, let values): Argument(kind: "integers", shape: shape, values: values.map(Double.init))
    case .mask(let shape, let values): Argument(kind: "mask", shape: shape, values: values.map { $0 ? 1 : 0 })
    }
  }
}

extension Argument {
  /// In float64 if real, a leaf that requires a gradient if `differentiated`.
  func tensor(differentiated: Bool) -> Tensor {
    let tensor = Tensor(values, shape: shape)
    return switch kind {
    case "real": tensor.requiresGrad_(differentiated)
    case "integers": tensor.to(.int64)
    default: tensor.to(.bool)
    }
  }
}

extension Operation {
  /// The Swift side, in float64.
  func evaluate(_ arguments: [Argument]) -> Evaluation {
    let tensors = arguments.map { $0.tensor(differentiated: order > 0) }
    let reals = zip(tensors, arguments).filter { $0.1.kind == "real" }.map(\.0)
    let result = swift(tensors)
    var evaluation = Evaluation(
      shape: result.shape, forward: result.detach().array(of: Double.self), gradient: [], second: [])
    guard order > 0 else { return evaluation }
    let first = derivatives(of: [result], reals, phase: 0, createGraph: order > 1)
    evaluation.gradient = first.map { $0.detach().array() }
    guard order > 1 else { return evaluation }
    evaluation.second = derivatives(of: first.filter(\.requiresGrad), reals, phase: 1, createGraph: false).map { $0.array() }
    return evaluation
  }

  /// d/dinputs of Σ outputs · cos(phase + 0, 1, 2, …), zero where there is no dependence.
  private func derivatives(of outputs: [Tensor], _ inputs: [Tensor], phase: Int, createGraph: Bool) -> [Tensor] {
    if outputs.isEmpty { return inputs.map { $0.detach().zerosLike() } }
    let weights = outputs.map { Tensor.arange($0.numel, dtype: .float64).add(phase).cos().reshape($0.shape) }
    let found = gradientsIfUsed(
      of: outputs, withRespectTo: inputs, gradOutputs: weights, createGraph: createGraph)
    return zip(found, inputs).map { $0 ?? $1.detach().zerosLike() }
  }
}

/// The Python side of all operations, in one process.
func evaluateInPython(_ operations: [(Operation, [Argument])]) throws -> [Evaluation] {
  struct Case: Encodable {
    var python: String
    var arguments: [Argument]
    var order: Int
  }
  return try Python.run(
    """
    import sys, json, math, torch
    import torch.nn.functional as F
    torch.set_num_threads(1)
    kinds = {"real": torch.float64, "integers": torch.int64, "mask": torch.bool}
    def derivatives(outputs, inputs, phase, create):
      outputs = [o for o in outputs if o.requires_grad]
      if not outputs: return [torch.zeros_like(i) for i in inputs]
      weights = [torch.cos(torch.arange(o.numel(), dtype=torch.float64) + phase).reshape(o.shape) for o in outputs]
      found = torch.autograd.grad(outputs, inputs, weights, create_graph=create, allow_unused=True)
      return [torch.zeros_like(i) if g is None else g for g, i in zip(found, inputs)]
    def flat(t): return (torch.zeros(t.shape, dtype=torch.float64) + t.detach()).reshape(-1).tolist()  # some zeros have no storage
    def evaluate(case):
      tensors = [torch.tensor(x["values"], dtype=torch.float64).reshape(x["shape"]).to(kinds[x["kind"]])
                 for x in case["arguments"]]
      reals = [t for t in tensors if t.dtype == torch.float64]
      for t in reals: t.requires_grad_(case["order"] > 0)
      out = eval(case["python"], {"torch": torch, "F": F, "math": math, **dict(zip("abcdef", tensors))})
      result = {"shape": list(out.shape), "forward": flat(out), "gradient": [], "second": []}
      if case["order"] > 0:
        first = derivatives([out], reals, 0, case["order"] > 1)
        result["gradient"] = [flat(g) for g in first]
      if case["order"] > 1:
        result["second"] = [flat(g) for g in derivatives(first, reals, 1, False)]
      return result
    results, failures = [], []
    for case in json.load(sys.stdin):
      try: results.append(evaluate(case))
      except Exception as error: failures.append(f"{case['python']}: {error}")
    if failures: sys.exit("\\n".join(failures))
    print(json.dumps(results))
    """,
    input: operations.map { Case(python: $0.0.python, arguments: $0.1, order: $0.0.order) })
}

/// The greatest |x − y| / (1 + |y|), infinite where the counts differ or only one is NaN.
func difference(_ x: [Double], _ y: [Double]) -> Double {
  guard x.count == y.count else { return .infinity }
  return zip(x, y).map { x, y in
    x == y || x.isNaN && y.isNaN ? 0 : { $0.isNaN ? .infinity : $0 }(abs(x - y) / (1 + abs(y)))
  }.max() ?? 0
}
