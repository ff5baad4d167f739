import RewardPrograms
import Torch

/// Runs a program's graph of scalar operations on LibTorch tensors: every node is a tensor of one value a row, [rows], or
/// of one value, [].
///
/// Booleans are 0 and 1 in the tensors' dtype, as in the native executor. Results equal those of the native executor;
/// gradients are PyTorch's, with the subgradient 0 for a square root at 0 (as `torch.norm` has it, so that the length of a
/// zero vector does not turn every gradient into NaN).
struct TensorExecutor {
  let graph: Graph
  private let outputs: [Node]
  private let isNeeded: [Bool]

  init(_ graph: Graph, outputs: [Node]) {
    self.graph = graph
    self.outputs = outputs
    isNeeded = graph.reachable(from: outputs)
  }

  /// - Parameters:
  ///   - column: the values of a column of the transition records, [rows], or [] for what all rows share.
  ///   - parameters: the values of lifted constants, each [].
  /// - Returns: one tensor an output: [rows], or [] for what is the same in every row.
  func run(
    rows: Int, dtype: DType, device: Device, parameters: [Tensor], column: (Int) -> Tensor
  ) -> [Tensor] {
    var values = [Tensor?](repeating: nil, count: graph.operations.count)
    let context = Context(graph: graph, rows: rows, dtype: dtype, device: device)
    for (index, operation) in graph.operations.enumerated() where isNeeded[index] {
      switch operation.opcode {
      case .input:
        let rows = column(Int(operation.a))
        values[index] = operation.length == .single && rows.dim > 0 ? rows.select(0, 0) : rows
      case .parameter: values[index] = parameters[Int(operation.a)]
      default:
        let count = operation.operandCount
        // Operands stand before the operations that need them.
        func operand(_ place: Int32) -> Tensor { values[Int(place)] ?? context.scalar(.nan) }
        switch count {
        case 0: values[index] = context.leaf(operation)
        case 1: values[index] = context.unary(operation, operand(operation.a))
        case 2: values[index] = context.binary(operation, operand(operation.a), operand(operation.b))
        default:
          values[index] = Tensor.where(
            operand(operation.a).ne(0), operand(operation.b), operand(operation.c))
        }
      }
    }
    return outputs.map { values[Int($0.index)] ?? context.scalar(.nan) }
  }

  /// What every operation needs to know of the batch.
  private struct Context {
    let graph: Graph
    let rows: Int
    let dtype: DType
    let device: Device

    func scalar(_ value: Double) -> Tensor { Tensor(value, dtype: dtype, device: device) }
    private func count(_ length: LengthID) -> Int { graph.lengths[Int(length.index)].rows(rows) }
    private func flag(_ condition: Tensor) -> Tensor { condition.to(dtype) }

    func leaf(_ operation: Operation) -> Tensor {
      switch operation.opcode {
      case .constant: scalar(operation.value)
      case .length: scalar(Double(graph.lengths[Int(operation.a)].rows(rows)))
      case .position: Tensor.arange(graph.lengths[Int(operation.a)].rows(rows), device: device).to(dtype)
      default: scalar(.nan)
      }
    }

    // MARK: One operand

    func unary(_ operation: Operation, _ x: Tensor) -> Tensor {
      switch operation.opcode {
      case .negate: x.neg()
      case .absolute: x.abs()
      case .squareRoot: squareRoot(x)
      case .exp: x.exp()
      case .exp2: x.mul(0.6931471805599453).exp()
      case .expm1: x.expm1()
      case .log: x.log()
      case .log2: x.log2()
      case .log10: x.log10()
      case .log1p: x.log1p()
      case .sin: x.sin()
      case .cos: x.cos()
      case .tan: x.tan()
      case .arcsin: x.asin()
      case .arccos: x.acos()
      case .arctan: x.atan()
      case .sinh: x.sinh()
      case .cosh: x.cosh()
      case .tanh: x.tanh()
      case .arcsinh: x.asinh()
      case .arccosh: x.acosh()
      case .arctanh: x.atanh()
      case .sigmoid: x.sigmoid()
      case .erf: x.erf()
      case .cubeRoot: x.sign().mul(x.abs().pow(1.0 / 3))
      case .floor: x.floor()
      case .ceil: x.ceil()
      case .round: x.round()
      case .truncate: x.trunc()
      case .sign: x.sign()
      case .not: flag(x.eq(0))
      case .isNaN: flag(x.isnan())
      case .isInfinite: flag(x.isinf())
      default: overTime(operation, x)
      }
    }

    /// √x with the gradient 0 at 0.
    private func squareRoot(_ x: Tensor) -> Tensor {
      let isZero = x.eq(0)
      return x.maskedFill(isZero, 1).sqrt().maskedFill(isZero, 0)
    }

    // MARK: Two operands

    func binary(_ operation: Operation, _ x: Tensor, _ y: Tensor) -> Tensor {
      switch operation.opcode {
      case .add: x.add(y)
      case .subtract: x.sub(y)
      case .multiply: x.mul(y)
      case .divide: x.div(y)
      case .floorDivide: x.floorDivide(y)
      case .modulo: x.remainder(y)
      case .fmod: x.fmod(y)
      case .power: x.pow(y)
      case .arctan2: x.atan2(y)
      case .hypot: squareRoot(x.square().add(y.square()))
      case .minimum: x.minimum(y)
      case .maximum: x.maximum(y)
      case .fmin: Tensor.where(x.isnan(), y, Tensor.where(y.isnan(), x, x.minimum(y)))
      case .fmax: Tensor.where(x.isnan(), y, Tensor.where(y.isnan(), x, x.maximum(y)))
      case .copySign: copySign(x, y)
      case .less: flag(x.lt(y))
      case .lessEqual: flag(x.le(y))
      case .equal: flag(x.eq(y))
      case .notEqual: flag(x.ne(y))
      case .and: Tensor.where(x.ne(0), y, 0)
      case .or: Tensor.where(x.ne(0), 1, y)
      case .xor: flag(x.ne(y))
      case .timeElementAt: element(x, at: y.item())
      default: scalar(.nan)
      }
    }

    /// `x` with the sign of `y`, of which a zero may have one: 1 / -0 is negative.
    private func copySign(_ x: Tensor, _ y: Tensor) -> Tensor {
      let isNegative = Tensor.where(y.eq(0), y.detach().reciprocal(), y).lt(0)
      return Tensor.where(isNegative, x.abs().neg(), x.abs())
    }

    // MARK: The time of an episode

    private func overTime(_ operation: Operation, _ x: Tensor) -> Tensor {
      switch operation.opcode {
      case .timeSum: x.sum()
      case .timeProduct: x.prod()
      case .timeMinimum: x.numel == 0 ? scalar(.nan) : x.min()
      case .timeMaximum: x.numel == 0 ? scalar(.nan) : x.max()
      case .timeArgMinimum: x.numel == 0 ? scalar(.nan) : x.argmin().to(dtype)
      case .timeArgMaximum: x.numel == 0 ? scalar(.nan) : x.argmax().to(dtype)
      case .runningSum: x.cumsum(dim: 0)
      case .runningProduct: x.cumprod(dim: 0)
      case .timeQuantile: quantile(x, operation.value)
      case .timeSort: x.sort(dim: 0).values
      case .timeElement: element(x, at: Double(Int64(bitPattern: operation.bits)))
      case .timeSlice: slice(x, graph.slices[Int(operation.b)], count(operation.length))
      case .spread: x.expand(count(operation.length))
      default: scalar(.nan)
      }
    }

    private func element(_ x: Tensor, at row: Double) -> Tensor {
      guard row.isFinite, let whole = Int(exactly: row.rounded(.towardZero)) else { return scalar(.nan) }
      let place = whole < 0 ? whole + x.numel : whole
      return place >= 0 && place < x.numel ? x.select(0, place) : scalar(.nan)
    }

    /// numpy's linear interpolation between the order statistics.
    private func quantile(_ x: Tensor, _ level: Double) -> Tensor {
      guard x.numel > 0, !x.isnan().any().itemBool() else { return scalar(.nan) }
      let sorted = x.sort(dim: 0).values
      let position = level * Double(x.numel - 1)
      let below = Int(position)
      let low = sorted.select(0, below)
      if position == Double(below) { return low }
      return low.lerp(sorted.select(0, below + 1), weight: position - Double(below))
    }

    private func slice(_ x: Tensor, _ slice: TimeSlice, _ count: Int) -> Tensor {
      if slice.step < 0 { return x.flip(0) }
      let (first, rows) = slice.resolve(x.numel)
      let kept = min(rows, count)
      if kept == 0 { return x.narrow(0, 0, 0) }
      return x[.slice(first, first + (kept - 1) * slice.step + 1, step: slice.step)]
    }
  }
}
