import Torch

// The second half of the table in OperationTests: layers, losses and conversions.

let layers: [Operation] = [
  Operation("F.linear(a, b, c)", real(2, 3), real(4, 3), real(4)) { $0[0].linear($0[1], $0[2]) },
  Operation("F.linear(a, b)", real(2, 3), real(4, 3)) { $0[0].linear($0[1]) },
  Operation("F.layer_norm(a, [4], b, c)", real(3, 4), real(4), real(4)) {
    $0[0].layerNorm([4], weight: $0[1], bias: $0[2])
  },
  Operation("F.layer_norm(a, [3, 4], eps=1e-3)", real(2, 3, 4)) { $0[0].layerNorm([3, 4], epsilon: 1e-3) },
  Operation("F.rms_norm(a, [4], b)", real(3, 4), real(4)) { $0[0].rmsNorm([4], weight: $0[1]) },
  Operation("F.rms_norm(a, [3, 4], eps=1e-3)", real(2, 3, 4)) { $0[0].rmsNorm([3, 4], epsilon: 1e-3) },
  Operation("F.group_norm(a, 2, b, c)", real(2, 4, 3), real(4), real(4)) {
    $0[0].groupNorm(2, weight: $0[1], bias: $0[2])
  },
  Operation("F.batch_norm(a, None, None, b, c, training=True)", real(4, 3), real(3), real(3)) {
    $0[0].batchNorm(runningMean: nil, runningVar: nil, weight: $0[1], bias: $0[2], training: true)
  },
  Operation("F.batch_norm(a, b.detach(), c.detach(), eps=1e-3)", real(2, 3, 4), real(3), above(3)) {
    $0[0].batchNorm(runningMean: $0[1].detach(), runningVar: $0[2].detach(), epsilon: 1e-3)
  },
]

let convolutions: [Operation] = [
  Operation("F.conv1d(a, b, c, stride=2, padding=1)", real(2, 3, 7), real(4, 3, 3), real(4)) {
    $0[0].conv1d($0[1], $0[2], stride: 2, padding: 1)
  },
  Operation("F.conv1d(a, b, dilation=2, groups=2)", real(2, 4, 6), real(4, 2, 2)) {
    $0[0].conv1d($0[1], dilation: 2, groups: 2)
  },
  Operation("F.conv1d(a, b)", real(3, 5), real(2, 3, 2)) { $0[0].conv1d($0[1]) },
  Operation("F.conv2d(a, b, c, stride=(2, 1), padding=(1, 0))", real(2, 3, 5, 4), real(4, 3, 3, 2), real(4)) {
    $0[0].conv2d($0[1], $0[2], stride: IntPair(2, 1), padding: IntPair(1, 0))
  },
  Operation("F.conv2d(a, b, padding=1, dilation=(1, 2), groups=2)", real(1, 4, 4, 4), real(2, 2, 2, 2)) {
    $0[0].conv2d($0[1], padding: 1, dilation: IntPair(1, 2), groups: 2)
  },
  Operation(
    "F.conv_transpose1d(a, b, c, stride=2, padding=1, output_padding=1)", real(2, 3, 4), real(3, 2, 3), real(2)
  ) {
    $0[0].convTranspose1d($0[1], $0[2], stride: 2, padding: 1, outputPadding: 1)
  },
  Operation("F.conv_transpose1d(a, b, groups=2, dilation=2)", real(1, 4, 3), real(4, 2, 2)) {
    $0[0].convTranspose1d($0[1], groups: 2, dilation: 2)
  },
  Operation(
    "F.conv_transpose2d(a, b, c, stride=(2, 3), padding=(1, 0), output_padding=(1, 2))", real(2, 3, 3, 2),
    real(3, 2, 3, 2), real(2)
  ) {
    $0[0].convTranspose2d(
      $0[1], $0[2], stride: IntPair(2, 3), padding: IntPair(1, 0), outputPadding: IntPair(1, 2))
  },
  Operation("F.conv_transpose2d(a, b, groups=2, dilation=2)", real(1, 4, 3, 3), real(4, 1, 2, 2)) {
    $0[0].convTranspose2d($0[1], groups: 2, dilation: 2)
  },
  Operation("F.unfold(a, (2, 3), padding=1, stride=2)", real(2, 3, 4, 5)) {
    $0[0].unfold2d(IntPair(2, 3), stride: 2, padding: 1)
  },
  Operation("F.fold(a, (4, 5), (2, 3), dilation=(2, 1))", real(2, 12, 6)) {
    $0[0].fold2d(IntPair(4, 5), IntPair(2, 3), dilation: IntPair(2, 1))
  },
]

let pooling: [Operation] = [
  Operation("F.max_pool1d(a, 2)", real(2, 3, 5)) { $0[0].maxPool1d(2) },
  Operation("F.max_pool1d(a, 3, 1, 1, 2)", real(2, 3, 7)) { $0[0].maxPool1d(3, stride: 1, padding: 1, dilation: 2) },
  Operation("F.max_pool2d(a, 2, ceil_mode=True)", real(2, 3, 5, 4)) { $0[0].maxPool2d(2, ceilMode: true) },
  Operation("F.max_pool2d(a, (3, 2), (1, 2), (1, 0))", real(2, 3, 5, 4)) {
    $0[0].maxPool2d(IntPair(3, 2), stride: IntPair(1, 2), padding: IntPair(1, 0))
  },
  Operation("F.avg_pool1d(a, 3, 2, 1)", real(2, 3, 6)) { $0[0].avgPool1d(3, stride: 2, padding: 1) },
  Operation("F.avg_pool1d(a, 2, ceil_mode=True, count_include_pad=False)", real(2, 3, 5)) {
    $0[0].avgPool1d(2, ceilMode: true, countIncludePad: false)
  },
  Operation("F.avg_pool2d(a, (2, 3), 1, 1, count_include_pad=False)", real(2, 3, 4, 5)) {
    $0[0].avgPool2d(IntPair(2, 3), stride: 1, padding: 1, countIncludePad: false)
  },
  Operation("F.adaptive_max_pool1d(a, 3)", real(2, 3, 7)) { $0[0].adaptiveMaxPool1d(3) },
  Operation("F.adaptive_max_pool2d(a, (2, 3))", real(2, 3, 5, 7)) { $0[0].adaptiveMaxPool2d(IntPair(2, 3)) },
  Operation("F.adaptive_avg_pool1d(a, 3)", real(2, 3, 7)) { $0[0].adaptiveAvgPool1d(3) },
  Operation("F.adaptive_avg_pool2d(a, (2, 3))", real(2, 3, 5, 7)) { $0[0].adaptiveAvgPool2d(IntPair(2, 3)) },
  Operation("F.interpolate(a, size=7)", real(2, 3, 4)) { $0[0].interpolate(size: [7]) },
  Operation("F.interpolate(a, size=(3, 5))", real(2, 3, 4, 3)) { $0[0].interpolate(size: [3, 5]) },
  Operation("F.interpolate(a, scale_factor=2.0)", real(2, 3, 4, 3)) { $0[0].interpolate(scale: 2) },
  Operation("F.interpolate(a, scale_factor=1.7, mode='linear')", real(2, 3, 5)) {
    $0[0].interpolate(scale: 1.7, mode: .linear())
  },
  Operation("F.interpolate(a, size=6, mode='linear', align_corners=True)", real(2, 3, 4)) {
    $0[0].interpolate(size: [6], mode: .linear(alignCorners: true))
  },
  Operation("F.interpolate(a, scale_factor=1.5, mode='bilinear')", real(2, 3, 4, 3)) {
    $0[0].interpolate(scale: 1.5, mode: .linear())
  },
  Operation("F.interpolate(a, size=(5, 2), mode='bilinear', align_corners=True)", real(2, 3, 4, 3)) {
    $0[0].interpolate(size: [5, 2], mode: .linear(alignCorners: true))
  },
]

let attention: [Operation] = [
  Operation("F.embedding(a, b)", .integers([2, 3], [0, 4, 1, 2, 4, 4]), real(5, 3)) { $0[1].embedding($0[0]) },
  Operation("F.embedding(a, b, padding_idx=4)", .integers([2, 3], [0, 4, 1, 2, 4, 4]), real(5, 3)) {
    $0[1].embedding($0[0], paddingIndex: 4)
  },
  Operation("F.scaled_dot_product_attention(a, b, c)", real(2, 2, 3, 4), real(2, 2, 5, 4), real(2, 2, 5, 4), order: 1) {
    $0[0].scaledDotProductAttention($0[1], $0[2])
  },
  Operation(
    "F.scaled_dot_product_attention(a, b, c, is_causal=True)", real(2, 2, 4, 3), real(2, 2, 4, 3), real(2, 2, 4, 3),
    order: 1
  ) {
    $0[0].scaledDotProductAttention($0[1], $0[2], causal: true)
  },
  Operation(
    "F.scaled_dot_product_attention(a, b, c, attn_mask=d, scale=0.3)", real(1, 2, 3, 4), real(1, 2, 4, 4),
    real(1, 2, 4, 4), mask34, order: 1
  ) {
    $0[0].scaledDotProductAttention($0[1], $0[2], mask: $0[3], scale: 0.3)
  },
  Operation(
    "F.scaled_dot_product_attention(a, b, c, enable_gqa=True)", real(2, 4, 3, 2), real(2, 2, 3, 2), real(2, 2, 3, 2),
    order: 1
  ) {
    $0[0].scaledDotProductAttention($0[1], $0[2], grouped: true)
  },
  // The composed form, written out: it can be differentiated twice.
  Operation(
    "torch.softmax(a @ b.mT / 2 + d, -1) @ c", real(2, 3, 4), real(2, 5, 4), real(2, 5, 4), real(3, 5)
  ) {
    $0[0].scaledDotProductAttention($0[1], $0[2], mask: $0[3], fused: false)
  },
  Operation(
    "torch.softmax((a @ b.mT / math.sqrt(3)).masked_fill(torch.ones(4, 4).triu(1) > 0, -math.inf), -1) @ c",
    real(2, 4, 3), real(2, 4, 3), real(2, 4, 3)
  ) {
    $0[0].scaledDotProductAttention($0[1], $0[2], causal: true, fused: false)
  },
]

let losses: [Operation] = [
  Operation("F.mse_loss(a, b)", real(3, 4), real(3, 4)) { $0[0].mseLoss($0[1]) },
  Operation("F.l1_loss(a, b, reduction='sum')", real(3, 4), real(3, 4)) { $0[0].l1Loss($0[1], reduction: .sum) },
  Operation("F.smooth_l1_loss(a, b, beta=0.5)", real(3, 4), real(3, 4)) { $0[0].smoothL1Loss($0[1], beta: 0.5) },
  Operation("F.huber_loss(a, b, delta=0.5, reduction='none')", real(3, 4), real(3, 4)) {
    $0[0].huberLoss($0[1], delta: 0.5, reduction: .none)
  },
  Operation("F.cross_entropy(a, b)", real(3, 4), .integers([3], [0, 3, 1])) { $0[0].crossEntropy($0[1]) },
  Operation("F.binary_cross_entropy_with_logits(a, b)", real(3, 4), real(3, 4, low: 0)) {
    $0[0].binaryCrossEntropyWithLogits($0[1])
  },
  Operation(
    "F.cross_entropy(a, b, c.detach(), label_smoothing=0.1)", real(3, 4), .integers([3], [0, 3, 1]), above(4)
  ) {
    $0[0].crossEntropy($0[1], weight: $0[2].detach(), labelSmoothing: 0.1)
  },
  Operation("F.cross_entropy(a, b, ignore_index=3, label_smoothing=0.2)", real(3, 4), .integers([3], [0, 3, 1])) {
    $0[0].crossEntropy($0[1], ignoreIndex: 3, labelSmoothing: 0.2)
  },
  Operation("F.cross_entropy(a, b, reduction='none')", real(2, 4, 3), .integers([2, 3], [0, 3, 1, -100, 2, 2])) {
    $0[0].crossEntropy($0[1], reduction: .none)
  },
  Operation("F.cross_entropy(a, b.softmax(1))", real(3, 4), real(3, 4)) { $0[0].crossEntropy($0[1].softmax(dim: 1)) },
  Operation("F.nll_loss(a, b)", real(3, 4), .integers([3], [0, 3, 1])) { $0[0].nllLoss($0[1]) },
  Operation("F.nll_loss(a, b, ignore_index=0, reduction='sum')", real(2, 4, 3), .integers([2, 3], [0, 3, 1, 2, 0, 2])) {
    $0[0].nllLoss($0[1], reduction: .sum, ignoreIndex: 0)
  },
  Operation("F.kl_div(a, b, reduction='sum')", real(3, 4), above(3, 4)) { $0[0].klDivLoss($0[1], reduction: .sum) },
  Operation("F.kl_div(a, b, log_target=True, reduction='mean')", real(3, 4), real(3, 4)) {
    $0[0].klDivLoss($0[1], logTarget: true)
  },
  Operation(
    "F.binary_cross_entropy(a, b.double())", real(4, low: 0.1, high: 0.9), .mask([4], [true, false, true, true])
  ) {
    $0[0].binaryCrossEntropy($0[1].to(.float64))
  },
  Operation(
    "F.binary_cross_entropy(a, b.detach(), reduction='sum')", real(3, 4, low: 0.1, high: 0.9), real(3, 4, low: 0)
  ) {
    $0[0].binaryCrossEntropy($0[1].detach(), reduction: .sum)
  },
  Operation(
    "F.binary_cross_entropy_with_logits(a, b.detach(), pos_weight=c.detach())", real(3, 4), real(3, 4, low: 0), above(4)
  ) {
    $0[0].binaryCrossEntropyWithLogits($0[1].detach(), positiveWeight: $0[2].detach())
  },
  Operation("F.cosine_similarity(a, b, 0)", real(3, 4), real(3, 4)) { $0[0].cosineSimilarity($0[1], dim: 0) },
]

/// Every type to every other, and the type that two of them make together.
let conversions: [Operation] = {
  let types: [(DType, String)] = [
    (.float64, "float64"), (.float32, "float32"), (.bfloat16, "bfloat16"), (.float16, "float16"), (.int64, "int64"),
    (.int32, "int32"), (.int16, "int16"), (.int8, "int8"), (.uint8, "uint8"), (.bool, "bool"),
  ]
  var all: [Operation] = []
  for (from, fromName) in types {
    for (to, toName) in types {
      all.append(
        Operation(
          "(a * 2.5).abs().to(torch.\(fromName)).to(torch.\(toName)).to(torch.float64)",
          .integers([5], [0, 1, 3, 7, 40]), order: 0
        ) {
          ($0[0] * 2.5).abs().to(from).to(to).to(.float64)
        })
      all.append(
        Operation(
          "(a.to(torch.\(fromName)) * a.to(torch.\(toName)) * 1.1).to(torch.float64)", .integers([4], [0, 1, 3, 7]),
          order: 0
        ) {
          ($0[0].to(from) * $0[0].to(to) * 1.1).to(.float64)
        })
    }
  }
  return all
}()
