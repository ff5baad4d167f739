import Basics
import Foundation
import TestSupport
import Testing
import Torch

@testable import Agents

/// Group-relative advantages and the clipped loss, against closed forms and PyTorch's autograd.
@Suite struct GRPOTests {
  @Test func advantagesAreStandardScoresWithinTheirGroups() {
    let found = GRPO.advantages([1, 0, 0, 0, 7, 7, 7, 7], groupSize: 4)
    for (a, b) in zip(found, [1.5, -0.5, -0.5, -0.5, 0, 0, 0, 0]) { #expect(abs(a - b) < 1e-5) }
    // Nothing to compare with: the reward itself, always of one sign.
    for (a, b) in zip(GRPO.advantages([1, 0.3, 0], groupSize: 1), [1, 0.3, 0]) { #expect(abs(a - b) < 2e-6) }
  }

  @Test func positiveAffineChangesLeaveAdvantagesAlone() {
    var random = RandomGenerator(seed: 1)
    let rewards = (0..<12).map { _ in random.normal() }
    let changed = GRPO.advantages(rewards.map { 3 * $0 - 5 }, groupSize: 4)
    for (a, b) in zip(GRPO.advantages(rewards, groupSize: 4), changed) { #expect(abs(a - b) < 1e-4) }
  }

  @Test func divergenceIsTheLowVarianceEstimate() {
    #expect(abs(GRPO.divergence(0, reference: log(2)) - (1 - log(2))) < 1e-12)
    #expect(GRPO.divergence(-1.3, reference: -1.3) == 0)
    for d in stride(from: -4.0, through: 4, by: 0.25) { #expect(GRPO.divergence(0, reference: d) >= 0) }
    // Its mean under π is the divergence itself: two coins.
    let p = [0.7, 0.3], q = [0.4, 0.6]
    let mean = zip(p, q).reduce(0) { $0 + $1.0 * GRPO.divergence(log($1.0), reference: log($1.1)) }
    let exact = zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
    #expect(abs(mean - exact) < 1e-12)
  }

  private struct Case: Encodable {
    var new: [[Double]]
    var old: [[Double]]
    var reference: [[Double]]
    var advantages: [Double]
    var mask: [[Double]]
    var tokenMean: Bool
  }

  private struct Answer: Decodable {
    var loss: Double
    var gradient: [[Double]]
  }

  private func batch(tokenMean: Bool) -> Case {
    var random = RandomGenerator(seed: 8)
    func tokens(near base: [[Double]]? = nil) -> [[Double]] {
      (0..<6).map { i in (0..<5).map { t in (base?[i][t] ?? -1) + 0.4 * random.normal() } }
    }
    let old = tokens()
    let lengths = [5, 3, 4, 1, 5, 2]
    return Case(
      new: tokens(near: old), old: old, reference: tokens(near: old), advantages: (0..<6).map { _ in random.normal() },
      mask: lengths.map { length in (0..<5).map { $0 < length ? 1 : 0 } }, tokenMean: tokenMean)
  }

  @Test(arguments: [false, true]) func theLossAndItsGradientArePyTorchs(_ tokenMean: Bool) throws {
    let batch = batch(tokenMean: tokenMean)
    let settings = GRPO.Loss(clip: 0.2, klCoefficient: 0.3, aggregation: tokenMean ? .tokenMean : .sequenceMean)
    let new = Tensor(batch.new).requiresGrad_()
    let loss = GRPO.loss(
      new, old: Tensor(batch.old), reference: Tensor(batch.reference), advantages: Tensor(batch.advantages),
      mask: Tensor(batch.mask), settings)
    loss.backward()
    let expected: Answer = try Python.run(
      """
      import json, sys, torch
      d = json.load(sys.stdin)
      names = ("new", "old", "reference", "advantages", "mask")
      new, old, ref, a, m = (torch.tensor(d[k], dtype=torch.float64) for k in names)
      new.requires_grad_()
      total, count = 0, 0
      for i in range(len(a)):
          row, n = 0, int(m[i].sum())
          for t in range(n):
              rho = torch.exp(new[i, t] - old[i, t])
              d_ = ref[i, t] - new[i, t]
              row = row - torch.min(rho * a[i], torch.clamp(rho, 0.8, 1.2) * a[i]) + 0.3 * (torch.exp(d_) - d_ - 1)
          total, count = total + (row if d["tokenMean"] else row / n), count + (n if d["tokenMean"] else 1)
      loss = total / count
      loss.backward()
      print(json.dumps(dict(loss=loss.item(), gradient=new.grad.tolist())))
      """, input: batch)
    #expect(abs(loss.item() - expected.loss) < 1e-10)
    let gradient = try #require(new.grad).array(of: Double.self)
    for (a, b) in zip(gradient, expected.gradient.flatMap { $0 }) { #expect(abs(a - b) < 1e-10) }
    // The same by hand, token for token.
    if tokenMean {
      let tokens = batch.mask.flatMap { $0 }.reduce(0, +)
      for i in 0..<6 {
        for t in 0..<5 where batch.mask[i][t] == 1 {
          let slope = GRPO.tokenGradient(
            batch.new[i][t], old: batch.old[i][t], reference: batch.reference[i][t], advantage: batch.advantages[i],
            loss: settings)
          #expect(abs(slope / tokens - expected.gradient[i][t]) < 1e-10)
        }
      }
    }
  }
}
