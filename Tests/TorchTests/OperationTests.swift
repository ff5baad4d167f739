import TestSupport
import Testing
import Torch

/// Every exposed operation against PyTorch: result, gradient and gradient of the gradient.
struct OperationTests {
  static let expected: Result<[Evaluation], any Error> = Result {
    try evaluateInPython(operations.enumerated().map { ($1, arguments($1.inputs, seed: $0)) })
  }

  @Test(arguments: operations.indices)
  func equalsPyTorch(_ index: Int) throws {
    let expected = try Self.expected.get()[index]
    let operation = operations[index]
    let found = operation.evaluate(arguments(operation.inputs, seed: index))
    #expect(found.shape == expected.shape, "\(operation.python)")
    #expect(difference(found.forward, expected.forward) < 1e-11, "\(operation.python)")
    #expect(found.gradient.count == expected.gradient.count && found.second.count == expected.second.count)
    for (x, y) in zip(found.gradient, expected.gradient) {
      #expect(difference(x, y) < 1e-10, "the gradient of \(operation.python)")
    }
    for (x, y) in zip(found.second, expected.second) {
      #expect(difference(x, y) < 1e-9, "the second derivative of \(operation.python)")
    }
  }
}

func real(_ shape: Int..., low: Double = -1, high: Double = 1) -> Input { .real(shape, low, high) }
func above(_ shape: Int...) -> Input { .real(shape, 0.2, 2) }
let mask34 = Input.mask([3, 4], [true, false, true, true, false, false, true, false, true, true, false, true])

let operations: [Operation] =
  unary + arithmetic + selection + reductions + counting + shapes + indexing + linearAlgebra + layers + convolutions
  + pooling + attention + losses + conversions

private let unary: [Operation] = [
  Operation("a.exp()", real(3, 4)) { $0[0].exp() },
  Operation("a.expm1()", real(3, 4)) { $0[0].expm1() },
  Operation("a.log()", above(3, 4)) { $0[0].log() },
  Operation("a.log1p()", above(3, 4)) { $0[0].log1p() },
  Operation("a.log2()", above(3, 4)) { $0[0].log2() },
  Operation("a.log10()", above(3, 4)) { $0[0].log10() },
  Operation("a.sqrt()", above(3, 4)) { $0[0].sqrt() },
  Operation("a.rsqrt()", above(3, 4)) { $0[0].rsqrt() },
  Operation("a.square()", real(3, 4)) { $0[0].square() },
  Operation("a.reciprocal()", above(3, 4)) { $0[0].reciprocal() },
  Operation("a.abs()", real(3, 4)) { $0[0].abs() },
  Operation("a.sign()", real(3, 4)) { $0[0].sign() },
  Operation("-a", real(3, 4)) { -$0[0] },
  Operation("a.sin()", real(3, 4)) { $0[0].sin() },
  Operation("a.cos()", real(3, 4)) { $0[0].cos() },
  Operation("a.tan()", real(3, 4)) { $0[0].tan() },
  Operation("a.asin()", real(3, 4, low: -0.9, high: 0.9)) { $0[0].asin() },
  Operation("a.acos()", real(3, 4, low: -0.9, high: 0.9)) { $0[0].acos() },
  Operation("a.atan()", real(3, 4)) { $0[0].atan() },
  Operation("a.sinh()", real(3, 4)) { $0[0].sinh() },
  Operation("a.cosh()", real(3, 4)) { $0[0].cosh() },
  Operation("a.tanh()", real(3, 4)) { $0[0].tanh() },
  Operation("a.asinh()", real(3, 4)) { $0[0].asinh() },
  Operation("a.acosh()", real(3, 4, low: 1.2, high: 3)) { $0[0].acosh() },
  Operation("a.atanh()", real(3, 4, low: -0.9, high: 0.9)) { $0[0].atanh() },
  Operation("a.sigmoid()", real(3, 4)) { $0[0].sigmoid() },
  Operation("F.logsigmoid(a)", real(3, 4, low: -9, high: 9)) { $0[0].logSigmoid() },
  Operation("a.relu()", real(3, 4)) { $0[0].relu() },
  Operation("F.silu(a)", real(3, 4)) { $0[0].silu() },
  Operation("F.gelu(a)", real(3, 4)) { $0[0].gelu() },
  Operation("F.gelu(a, approximate='tanh')", real(3, 4)) { $0[0].gelu(tanhApproximation: true) },
  Operation("F.elu(a)", real(3, 4)) { $0[0].elu() },
  Operation("F.elu(a, 0.5)", real(3, 4)) { $0[0].elu(alpha: 0.5) },
  Operation("F.leaky_relu(a, 0.1)", real(3, 4)) { $0[0].leakyRelu(slope: 0.1) },
  Operation("F.softplus(a)", real(3, 4, low: -30, high: 30)) { $0[0].softplus() },
  Operation("F.softplus(a, 2, 5)", real(3, 4, low: -5, high: 5)) { $0[0].softplus(beta: 2, threshold: 5) },
  Operation("F.mish(a)", real(3, 4)) { $0[0].mish() },
  Operation("F.selu(a)", real(3, 4)) { $0[0].selu() },
  Operation("F.relu6(a * 9)", real(3, 4)) { ($0[0] * 9).relu6() },
  Operation("a.logit()", real(3, 4, low: 0.1, high: 0.9)) { $0[0].logit() },
  Operation("F.glu(a, 1)", real(3, 4)) { $0[0].glu(dim: 1) },
  Operation("a.polygamma(1)", above(3, 4)) { $0[0].polygamma(1) },
  Operation("a.erf()", real(3, 4)) { $0[0].erf() },
  Operation("a.erfc()", real(3, 4)) { $0[0].erfc() },
  Operation("a.erfinv()", real(3, 4, low: -0.9, high: 0.9)) { $0[0].erfinv() },
  Operation("a.lgamma()", above(3, 4)) { $0[0].lgamma() },
  Operation("a.digamma()", above(3, 4)) { $0[0].digamma() },
  Operation("(a * 3).floor()", real(3, 4)) { ($0[0] * 3).floor() },
  Operation("(a * 3).ceil()", real(3, 4)) { ($0[0] * 3).ceil() },
  Operation("(a * 3).round()", real(3, 4)) { ($0[0] * 3).round() },
  Operation("(a * 3).trunc()", real(3, 4)) { ($0[0] * 3).trunc() },
  Operation("(a / 0 * b).isnan()", .integers([4], [0, 1, -1, 2]), .integers([4], [1, 0, 1, 0]), order: 0) {
    ($0[0] / 0 * $0[1]).isnan()
  },
  Operation("(a / 0).isinf()", .integers([4], [0, 1, -1, 2]), order: 0) { ($0[0] / 0).isinf() },
  Operation("(a / 0).isfinite()", .integers([4], [0, 1, -1, 2]), order: 0) { ($0[0] / 0).isfinite() },
  Operation("(a / 0).nan_to_num(0.5, 7, -8)", .integers([3], [0, 1, -1]), order: 0) {
    ($0[0] / 0).nanToNum(nan: 0.5, positiveInfinity: 7, negativeInfinity: -8)
  },
  Operation("a.logical_not()", .integers([3], [0, 1, -1]), order: 0) { .!$0[0] },
  Operation("a.clone()", real(3, 4)) { $0[0].clone() },
  Operation("torch.zeros_like(a) + torch.ones_like(a) * a", real(3, 4)) {
    $0[0].zerosLike() + $0[0].onesLike() * $0[0]
  },
  Operation("a.to(torch.float32).to(torch.float64)", real(3, 4)) { $0[0].to(.float32).to(.float64) },
  Operation("a.to(torch.bfloat16).to(torch.float64)", real(3, 4)) { $0[0].to(.bfloat16).to(.float64) },
]

private let arithmetic: [Operation] = [
  Operation("a + b", real(3, 4), real(4)) { $0[0] + $0[1] },
  Operation("a - b", real(3, 1), real(4)) { $0[0] - $0[1] },
  Operation("a * b", real(3, 4), real(3, 1)) { $0[0] * $0[1] },
  Operation("a / b", real(3, 4), above(4)) { $0[0] / $0[1] },
  Operation("a % b", real(3, 4), above(4)) { $0[0] % $0[1] },
  Operation("torch.fmod(a, b)", real(3, 4), above(4)) { $0[0].fmod($0[1]) },
  Operation("torch.fmod(a, 0.3)", real(3, 4)) { $0[0].fmod(0.3) },
  Operation("a.floor_divide(b)", real(3, 4), above(4), order: 0) { $0[0].floorDivide($0[1]) },
  Operation("a // 2", .integers([4], [-3, -2, 3, 5]), order: 0) { $0[0].floorDivide(2) },
  Operation("a + 2", real(3, 4)) { $0[0] + 2 },
  Operation("2.5 - a", real(3, 4)) { 2.5 - $0[0] },
  Operation("a - 1.5", real(3, 4)) { $0[0] - 1.5 },
  Operation("3 * a", real(3, 4)) { 3 * $0[0] },
  Operation("2 / a", above(3, 4)) { 2 / $0[0] },
  Operation("a / 3", real(3, 4)) { $0[0] / 3 },
  Operation("a % 0.7", real(3, 4)) { $0[0] % 0.7 },
  Operation("(a + 1) * 2", .integers([3], [1, 2, 3]), order: 0) { ($0[0] + 1) * 2 },
  Operation("a / 2", .integers([3], [1, 2, 3]), order: 0) { $0[0] / 2 },
  Operation("a ** b", above(3, 4), real(4)) { $0[0].pow($0[1]) },
  Operation("a ** 3", real(3, 4)) { $0[0].pow(3) },
  Operation("a ** -1.5", above(3, 4)) { $0[0].pow(-1.5) },
  Operation("2 ** a", real(3, 4)) { Tensor.pow(2, $0[0]) },
  Operation("torch.minimum(a, b)", real(3, 4), real(4)) { $0[0].minimum($0[1]) },
  Operation("torch.maximum(a, b)", real(3, 4), real(4)) { $0[0].maximum($0[1]) },
  Operation("torch.atan2(a, b)", real(3, 4), real(4)) { $0[0].atan2($0[1]) },
  Operation("torch.xlogy(a, b)", real(3, 4), above(4)) { $0[0].xlogy($0[1]) },
  Operation("torch.logaddexp(a, b)", real(3, 4), real(4)) { $0[0].logaddexp($0[1]) },
  Operation("torch.isin(a, b)", .integers([4], [3, 1, 2, 3]), .integers([2], [3, 2]), order: 0) {
    $0[0].isin($0[1])
  },
  Operation("torch.lerp(a, b, 0.3)", real(3, 4), real(4)) { $0[0].lerp($0[1], weight: 0.3) },
  Operation("a == b", .integers([3], [1, 2, 3]), .integers([3], [1, 3, 2]), order: 0) { $0[0] .== $0[1] },
  Operation("a != b", .integers([3], [1, 2, 3]), .integers([3], [1, 3, 2]), order: 0) { $0[0] .!= $0[1] },
  Operation("a < b", real(3, 4), real(4), order: 0) { $0[0] .< $0[1] },
  Operation("a <= b", .integers([3], [1, 2, 3]), .integers([3], [1, 3, 2]), order: 0) { $0[0] .<= $0[1] },
  Operation("a > b", real(3, 4), real(4), order: 0) { $0[0] .> $0[1] },
  Operation("a >= b", .integers([3], [1, 2, 3]), .integers([3], [1, 3, 2]), order: 0) { $0[0] .>= $0[1] },
  Operation("(a == 2) | (a != 2)", .integers([3], [1, 2, 3]), order: 0) { ($0[0] .== 2) .| ($0[0] .!= 2) },
  Operation("(a < 2) & (a <= 1)", .integers([3], [1, 2, 3]), order: 0) { ($0[0] .< 2) .& ($0[0] .<= 1) },
  Operation("(a > 0.1) ^ (a >= -0.5)", real(3, 4), order: 0) { ($0[0] .> 0.1) .^ ($0[0] .>= -0.5) },
]

private let selection: [Operation] = [
  Operation("a.clamp(-0.5, 0.5)", real(3, 4)) { $0[0].clamp(min: -0.5, max: 0.5) },
  Operation("a.clamp(min=0)", real(3, 4)) { $0[0].clamp(min: 0) },
  Operation("a.clamp(max=0.25)", real(3, 4)) { $0[0].clamp(max: 0.25) },
  Operation("torch.where(c, a, b)", real(3, 4), real(4), mask34) { Tensor.where($0[2], $0[0], $0[1]) },
  Operation("torch.where(b, a, 0.5)", real(3, 4), mask34) { Tensor.where($0[1], $0[0], 0.5) },
  Operation("torch.where(b, 2, a)", real(3, 4), mask34) { Tensor.where($0[1], 2, $0[0]) },
  Operation("a.masked_fill(b, -3.5)", real(3, 4), mask34) { $0[0].maskedFill($0[1], -3.5) },
  Operation("a.masked_select(b)", real(3, 4), mask34) { $0[0].maskedSelect($0[1]) },
]

private let reductions: [Operation] = [
  Operation("a.sum()", real(3, 4)) { $0[0].sum() },
  Operation("a.sum(1)", real(3, 4)) { $0[0].sum(dim: 1) },
  Operation("a.sum((0, -1), keepdim=True)", real(2, 3, 4)) { $0[0].sum(dim: 0, -1, keepdim: true) },
  Operation("a.mean()", real(3, 4)) { $0[0].mean() },
  Operation("a.mean(-1)", real(3, 4)) { $0[0].mean(dim: -1) },
  Operation("a.var()", real(3, 4)) { $0[0].var() },
  Operation("a.var(1, correction=0)", real(3, 4)) { $0[0].var(dim: 1, correction: 0) },
  Operation("a.std()", real(3, 4)) { $0[0].std() },
  Operation("a.std(0, keepdim=True)", real(3, 4)) { $0[0].std(dim: 0, keepdim: true) },
  Operation("a.min()", real(3, 4)) { $0[0].min() },
  Operation("a.max()", real(3, 4)) { $0[0].max() },
  Operation("a.min(1).values", real(3, 4)) { $0[0].min(dim: 1).values },
  Operation("a.max(0).values", real(3, 4)) { $0[0].max(dim: 0).values },
  Operation("a.max(0, keepdim=True).indices", real(3, 4), order: 0) { $0[0].max(dim: 0, keepdim: true).indices },
  Operation("a.min(1).indices", real(3, 4), order: 0) { $0[0].min(dim: 1).indices },
  Operation("a.amin((0, 2))", real(2, 3, 4)) { $0[0].amin(dim: 0, 2) },
  Operation("a.amax(1, keepdim=True)", real(3, 4)) { $0[0].amax(dim: 1, keepdim: true) },
  Operation("a.argmin()", real(3, 4), order: 0) { $0[0].argmin() },
  Operation("a.argmax(1)", real(3, 4), order: 0) { $0[0].argmax(dim: 1) },
  Operation("a.any()", mask34, order: 0) { $0[0].any() },
  Operation("a.any(0)", mask34, order: 0) { $0[0].any(dim: 0) },
  Operation("a.all()", mask34, order: 0) { $0[0].all() },
  Operation("a.all(1)", mask34, order: 0) { $0[0].all(dim: 1) },
  Operation("a.prod()", real(3, 4)) { $0[0].prod() },
  Operation("a.prod(1)", real(3, 4)) { $0[0].prod(dim: 1) },
  Operation("a.logsumexp(1)", real(3, 4)) { $0[0].logsumexp(dim: 1) },
  Operation("a.logsumexp((0, 1))", real(3, 4)) { $0[0].logsumexp(dim: 0, 1) },
  Operation("a.cumsum(1)", real(3, 4)) { $0[0].cumsum(dim: 1) },
  Operation("a.cumprod(1)", real(3, 4)) { $0[0].cumprod(dim: 1) },
  Operation("a.logcumsumexp(0)", real(3, 4)) { $0[0].logcumsumexp(dim: 0) },
  Operation("torch.linalg.vector_norm(a)", real(3, 4)) { $0[0].norm() },
  Operation("torch.linalg.vector_norm(a, 1, 1)", real(3, 4)) { $0[0].norm(order: 1, dim: 1) },
  Operation("torch.linalg.vector_norm(a, math.inf, 0)", real(3, 4)) { $0[0].norm(order: .infinity, dim: 0) },
  Operation("a.softmax(1)", real(3, 4)) { $0[0].softmax(dim: 1) },
  Operation("a.log_softmax(0)", real(3, 4)) { $0[0].logSoftmax(dim: 0) },
  Operation("a.sort(1).values", real(3, 4)) { $0[0].sort(dim: 1).values },
  Operation("a.sort(0, descending=True).indices", real(3, 4), order: 0) {
    $0[0].sort(dim: 0, descending: true).indices
  },
  Operation("a.topk(2, 1).values", real(3, 4)) { $0[0].topk(2, dim: 1).values },
  Operation("a.topk(2, 0, largest=False).indices", real(3, 4), order: 0) {
    $0[0].topk(2, dim: 0, largest: false).indices
  },
]

private let repeated = Input.integers([8], [3, 0, 3, 5, 1, 0, 3, 2])

private let counting: [Operation] = [
  Operation("torch.argsort(a, dim=1, stable=True)", real(3, 4), order: 0) { $0[0].argsort(dim: 1) },
  Operation("torch.argsort(a, stable=True, descending=True)", repeated, order: 0) { $0[0].argsort(descending: true) },
  Operation("a.median(1).values", real(3, 4)) { $0[0].median(dim: 1).values },
  Operation("a.median(0, keepdim=True).indices", real(3, 4), order: 0) { $0[0].median(dim: 0, keepdim: true).indices },
  Operation("a.quantile(0.3)", real(3, 4)) { $0[0].quantile(0.3) },
  Operation("a.quantile(0.7, 1, keepdim=True)", real(3, 4)) { $0[0].quantile(0.7, dim: 1, keepdim: true) },
  Operation("a.cummax(1).values", real(3, 4)) { $0[0].cummax(dim: 1).values },
  Operation("a.cummax(0).indices", real(3, 4), order: 0) { $0[0].cummax(dim: 0).indices },
  Operation("a.cummin(1).values", real(3, 4)) { $0[0].cummin(dim: 1).values },
  Operation("a.cummin(0).indices", real(3, 4), order: 0) { $0[0].cummin(dim: 0).indices },
  Operation("a.unique()", repeated, order: 0) { $0[0].unique().values },
  Operation("a.unique(return_inverse=True)[1]", repeated, order: 0) { $0[0].unique().inverse },
  Operation("a.unique(return_counts=True)[1]", repeated, order: 0) { $0[0].unique().counts },
  Operation("a.unique(dim=0)", .integers([4, 2], [2, 1, 0, 3, 2, 1, 0, 2]), order: 0) { $0[0].unique(dim: 0).values },
  Operation(
    "a.unique(dim=0, return_inverse=True)[1]", .integers([4, 2], [2, 1, 0, 3, 2, 1, 0, 2]), order: 0
  ) {
    $0[0].unique(dim: 0).inverse
  },
  Operation("a.bincount()", repeated, order: 0) { $0[0].bincount() },
  Operation("a.bincount(b, 9)", repeated, real(8), order: 0) { $0[0].bincount(weights: $0[1], minLength: 9) },
  Operation("torch.searchsorted(a, b)", .integers([4], [1, 3, 3, 5]), .integers([2, 2], [3, 0, 6, 4]), order: 0) {
    $0[0].searchsorted($0[1])
  },
  Operation("torch.searchsorted(a, b, right=True)", .integers([4], [1, 3, 3, 5]), .integers([3], [3, 0, 6]), order: 0) {
    $0[0].searchsorted($0[1], right: true)
  },
]

private let shapes: [Operation] = [
  Operation("a.reshape(2, -1)", real(3, 4)) { $0[0].reshape(2, -1) },
  Operation("a.view(4, 3)", real(3, 4)) { $0[0].view([4, 3]) },
  Operation("a.expand(2, -1, 4)", real(3, 1)) { $0[0].expand(2, -1, 4) },
  Operation("a.permute(2, 0, 1)", real(2, 3, 4)) { $0[0].permute(2, 0, 1) },
  Operation("a.repeat(2, 1, 3)", real(3, 4)) { $0[0].repeat(2, 1, 3) },
  Operation("a.flip(0, 1)", real(3, 4)) { $0[0].flip(0, 1) },
  Operation("a.transpose(0, 2)", real(2, 3, 4)) { $0[0].transpose(0, 2) },
  Operation("a.mT", real(2, 3, 4)) { $0[0].mT },
  Operation("a.unsqueeze(1)", real(3, 4)) { $0[0].unsqueeze(1) },
  Operation("a.squeeze()", real(1, 3, 1)) { $0[0].squeeze() },
  Operation("a.squeeze(0)", real(1, 3, 1)) { $0[0].squeeze(0) },
  Operation("a.flatten(1)", real(2, 3, 4)) { $0[0].flatten(1) },
  Operation("a.mT.contiguous()", real(3, 4)) { $0[0].mT.contiguous() },
  Operation("a.diagonal(1)", real(3, 4)) { $0[0].diagonal(offset: 1) },
  Operation("a.diag_embed()", real(2, 3)) { $0[0].diagEmbed() },
  Operation("a.tril(-1)", real(4, 4)) { $0[0].tril(diagonal: -1) },
  Operation("a.triu(1)", real(4, 4)) { $0[0].triu(diagonal: 1) },
  Operation("a.movedim(0, 2)", real(2, 3, 4)) { $0[0].movedim(0, 2) },
  Operation("a.unflatten(-1, (2, -1))", real(3, 4)) { $0[0].unflatten(-1, [2, -1]) },
  Operation("a.roll(-1, 1)", real(3, 4)) { $0[0].roll(-1, dim: 1) },
  Operation("a.repeat_interleave(2, 1)", real(3, 4)) { $0[0].repeatInterleave(2, dim: 1) },
  Operation("a.diff()", real(3, 4)) { $0[0].diff() },
  Operation("a.diff(2, 0)", real(4, 3)) { $0[0].diff(order: 2, dim: 0) },
  Operation("a.unfold(1, 3, 2)", real(2, 7)) { $0[0].unfold(dim: 1, size: 3, step: 2) },
  Operation("F.pad(a, (1, 2, 0, 1), value=0.5)", real(3, 4)) { $0[0].pad([1, 2, 0, 1], .constant(0.5)) },
  Operation("F.pad(a, (-1, 1))", real(3, 4)) { $0[0].pad([-1, 1]) },
  Operation("F.pad(a, (2, 1), mode='reflect')", real(2, 3, 4)) { $0[0].pad([2, 1], .reflect) },
  Operation("F.pad(a, (1, 1, 2, 0), mode='replicate')", real(1, 2, 3, 4)) { $0[0].pad([1, 1, 2, 0], .replicate) },
  Operation("F.pad(a, (1, 2), mode='circular')", real(2, 3, 4)) { $0[0].pad([1, 2], .circular) },
  Operation("torch.cat([a, b], 1)", real(3, 4), real(3, 2)) { Tensor.cat([$0[0], $0[1]], dim: 1) },
  Operation("torch.stack([a, b], -1)", real(3, 4), real(3, 4)) { Tensor.stack([$0[0], $0[1]], dim: -1) },
  Operation("torch.cat([x * i for i, x in enumerate(a.split(2, 1))], 1)", real(3, 5)) {
    Tensor.cat($0[0].split(2, dim: 1).enumerated().map { $1 * $0 }, dim: 1)
  },
  Operation("torch.cat([x * i for i, x in enumerate(a.split((1, 3, 1), 1))], 1)", real(3, 5)) {
    Tensor.cat($0[0].split([1, 3, 1], dim: 1).enumerated().map { $1 * $0 }, dim: 1)
  },
  Operation("torch.cat([x * i for i, x in enumerate(a.chunk(3, -1))], 1)", real(3, 7)) {
    Tensor.cat($0[0].chunk(3, dim: -1).enumerated().map { $1 * $0 }, dim: 1)
  },
  Operation("torch.stack([x * i for i, x in enumerate(a.unbind(1))])", real(3, 4)) {
    Tensor.stack($0[0].unbind(dim: 1).enumerated().map { $1 * $0 })
  },
]

private let indexing: [Operation] = [
  Operation("a[1]", real(3, 4)) { $0[0][1] },
  Operation("a[-1, 2]", real(3, 4)) { $0[0][-1, 2] },
  Operation("a[:, 1:3]", real(3, 4)) { $0[0][.all, 1..<3] },
  Operation("a[1:, :-1]", real(3, 4)) { $0[0][1..., ..<(-1)] },
  Operation("a[-2:]", real(3, 4)) { $0[0][(-2)...] },
  Operation("a[..., ::2]", real(2, 3, 4)) { $0[0][.ellipsis, .slice(nil, nil, step: 2)] },
  Operation("a[:, None, 0:2]", real(3, 4)) { $0[0][.all, .newAxis, 0...1] },
  Operation("a[b]", real(3, 4), .integers([4], [2, 0, 2, 1])) { $0[0][$0[1]] },
  Operation("a[:, b]", real(3, 4), .integers([2, 2], [3, 0, 1, 3])) { $0[0][.all, $0[1]] },
  Operation("a[b]", real(3, 4), mask34) { $0[0][$0[1]] },
  Operation("a.select(1, 2)", real(3, 4)) { $0[0].select(1, 2) },
  Operation("a.narrow(1, 1, 2)", real(3, 4)) { $0[0].narrow(1, 1, 2) },
  Operation("a.gather(1, b)", real(3, 4), .integers([3, 2], [0, 3, 2, 2, 1, 0])) {
    $0[0].gather(dim: 1, index: $0[1])
  },
  Operation("a.index_select(0, b)", real(3, 4), .integers([4], [2, 0, 2, 1])) {
    $0[0].indexSelect(dim: 0, index: $0[1])
  },
  Operation("a.scatter(1, c, b)", real(3, 4), real(3, 2), .integers([3, 2], [0, 3, 2, 1, 1, 0])) {
    $0[0].scatter(dim: 1, index: $0[2], source: $0[1])
  },
  Operation("a.scatter_add(1, c, b)", real(3, 4), real(3, 2), .integers([3, 2], [0, 3, 2, 2, 1, 0])) {
    $0[0].scatterAdd(dim: 1, index: $0[2], source: $0[1])
  },
  Operation("a.index_add(0, c, b)", real(3, 4), real(2, 4), .integers([2], [2, 2])) {
    $0[0].indexAdd(dim: 0, index: $0[2], source: $0[1])
  },
  Operation("a.index_copy(0, c, b)", real(3, 4), real(2, 4), .integers([2], [2, 0])) {
    $0[0].indexCopy(dim: 0, index: $0[2], source: $0[1])
  },
  Operation("a.index_fill(1, b, 0.25)", real(3, 4), .integers([2], [3, 0])) {
    $0[0].indexFill(dim: 1, index: $0[1], value: 0.25)
  },
  Operation("a.scatter_reduce(1, c, b, 'sum')", real(3, 4), real(3, 2), .integers([3, 2], [0, 3, 2, 2, 1, 0])) {
    $0[0].scatterReduce(dim: 1, index: $0[2], source: $0[1], .sum)
  },
  Operation("a.scatter_reduce(1, c, b, 'mean')", real(3, 4), real(3, 2), .integers([3, 2], [0, 3, 2, 2, 1, 0])) {
    $0[0].scatterReduce(dim: 1, index: $0[2], source: $0[1], .mean)
  },
  Operation(
    "a.scatter_reduce(1, c, b, 'prod', include_self=False)", real(3, 4), real(3, 2),
    .integers([3, 2], [0, 3, 2, 2, 1, 0]), order: 1
  ) {
    $0[0].scatterReduce(dim: 1, index: $0[2], source: $0[1], .product, includeSelf: false)
  },
  Operation(
    "a.scatter_reduce(1, c, b, 'amax')", real(3, 4), real(3, 2), .integers([3, 2], [0, 3, 2, 2, 1, 0])
  ) {
    $0[0].scatterReduce(dim: 1, index: $0[2], source: $0[1], .greatest)
  },
  Operation(
    "a.scatter_reduce(1, c, b, 'amin', include_self=False)", real(3, 4), real(3, 2),
    .integers([3, 2], [0, 3, 2, 2, 1, 0])
  ) {
    $0[0].scatterReduce(dim: 1, index: $0[2], source: $0[1], .least, includeSelf: false)
  },
  Operation("a.masked_scatter(c, b)", real(3, 4), real(7), mask34) { $0[0].maskedScatter($0[2], source: $0[1]) },
  Operation("a.nonzero()", .integers([2, 3], [0, 1, 0, 2, 0, 3]), order: 0) { $0[0].nonzero() },
  Operation("F.one_hot(a, 4)", .integers([2, 3], [0, 1, 0, 2, 0, 3]), order: 0) { $0[0].oneHot(4) },
]

private let linearAlgebra: [Operation] = [
  Operation("a @ b", real(3, 4), real(4, 2)) { $0[0].matmul($0[1]) },
  Operation("a @ b", real(2, 3, 4), real(4)) { $0[0].matmul($0[1]) },
  Operation("torch.bmm(a, b)", real(2, 3, 4), real(2, 4, 2)) { $0[0].bmm($0[1]) },
  Operation("a.mv(b)", real(3, 4), real(4)) { $0[0].mv($0[1]) },
  Operation("a.dot(b)", real(4), real(4)) { $0[0].dot($0[1]) },
  Operation("a.outer(b)", real(3), real(4)) { $0[0].outer($0[1]) },
  Operation("torch.einsum('bij,bj,k->bik', a, b, c)", real(2, 3, 4), real(2, 4), real(2)) {
    Tensor.einsum("bij,bj,k->bik", $0)
  },
  Operation("a.trace()", real(3, 3)) { $0[0].trace() },
  Operation("torch.linalg.det(a)", real(3, 3)) { $0[0].det() },
  Operation("torch.linalg.slogdet(a).logabsdet", real(3, 3)) { $0[0].slogdet().logAbsDet },
  Operation("torch.linalg.slogdet(a).sign", real(3, 3), order: 0) { $0[0].slogdet().sign },
  Operation("torch.linalg.inv(a + 3 * torch.eye(3))", real(3, 3)) {
    ($0[0] + 3 * Tensor.eye(3, dtype: .float64)).inverse()
  },
  Operation("torch.linalg.pinv(a)", real(3, 2)) { $0[0].pinv() },
  Operation("torch.linalg.solve(a + 3 * torch.eye(3), b)", real(3, 3), real(3, 2)) {
    ($0[0] + 3 * Tensor.eye(3, dtype: .float64)).solve($0[1])
  },
  Operation("torch.linalg.solve_triangular(a.tril() + 3 * torch.eye(3), b, upper=False)", real(3, 3), real(3, 2)) {
    ($0[0].tril() + 3 * Tensor.eye(3, dtype: .float64)).solveTriangular($0[1], upper: false)
  },
  Operation("torch.linalg.cholesky(a @ a.mT + 3 * torch.eye(3))", real(3, 3)) {
    ($0[0].matmul($0[0].mT) + 3 * Tensor.eye(3, dtype: .float64)).cholesky()
  },
  Operation("torch.cholesky_solve(b, torch.linalg.cholesky(a @ a.mT + 3 * torch.eye(3)))", real(3, 3), real(3, 2)) {
    ($0[0].matmul($0[0].mT) + 3 * Tensor.eye(3, dtype: .float64)).cholesky().choleskySolve($0[1])
  },
  Operation("torch.linalg.lstsq(a, b).solution", real(5, 3), real(5, 2)) { $0[0].lstsq($0[1]).solution },
  Operation("torch.linalg.lstsq(a, b, driver='gelsd').residuals", real(5, 3), real(5, 2), order: 0) {
    $0[0].lstsq($0[1], driver: .gelsd).residuals
  },
  Operation("torch.linalg.lstsq(a, b).rank", real(5, 3), real(5, 2), order: 0) { $0[0].lstsq($0[1]).rank },
  Operation("torch.linalg.lstsq(a, b, driver='gelss').singular_values", real(5, 3), real(5, 2), order: 0) {
    $0[0].lstsq($0[1], driver: .gelss).singularValues
  },
  Operation("torch.linalg.eigvalsh(a + a.mT)", real(3, 3)) { ($0[0] + $0[0].mT).eigvalsh() },
  Operation("torch.linalg.matrix_exp(a)", real(3, 3)) { $0[0].matrixExp() },
  Operation("torch.linalg.cross(a, b)", real(2, 3), real(2, 3)) { $0[0].cross($0[1]) },
  Operation("torch.cdist(a, b)", real(3, 2), real(4, 2), order: 1) { $0[0].cdist($0[1]) },
  Operation("torch.cdist(a, b, p=1)", real(2, 3, 2), real(2, 4, 2), order: 1) { $0[0].cdist($0[1], order: 1) },
  Operation("torch.tensordot(a, b, ([0, 2], [1, 0]))", real(2, 3, 4), real(4, 2)) {
    $0[0].tensordot($0[1], dims: [0, 2], otherDims: [1, 0])
  },
  Operation("torch.linalg.qr(a).Q", real(4, 3)) { $0[0].qr().q },
  Operation("torch.linalg.qr(a).R", real(4, 3)) { $0[0].qr().r },
  Operation("torch.linalg.qr(a, mode='complete').Q", real(4, 3), order: 0) { $0[0].qr(complete: true).q },
  Operation("torch.linalg.svd(a).S", real(4, 3)) { $0[0].svd().s },
  Operation(
    "(lambda u, s, v: u @ (s.exp().diag_embed()) @ v)(*torch.linalg.svd(a, full_matrices=False))", real(4, 3)
  ) {
    let (u, s, vh) = $0[0].svd(fullMatrices: false)
    return u.matmul(s.exp().diagEmbed()).matmul(vh)
  },
  Operation("torch.linalg.eigh(a + a.mT).eigenvalues", real(3, 3)) { ($0[0] + $0[0].mT).eigh().eigenvalues },
  Operation("torch.linalg.eigh(a + a.mT).eigenvectors.abs()", real(3, 3)) {
    ($0[0] + $0[0].mT).eigh().eigenvectors.abs()
  },
]
