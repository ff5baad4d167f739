import Basics
import Foundation
import TestSupport
import Testing
import Torch

/// Densities, entropies and divergences beside `torch.distributions`; samples by their moments.
@Suite struct DistributionTests {
  struct Expected: Decodable {
    var normal, normalEntropy, normalKL, tanh, categorical, categoricalEntropy, categoricalKL, bernoulli,
      bernoulliEntropy, bernoulliKL: [Double]
  }

  @Test func equalTorchDistributions() throws {
    let expected: Expected = try Python.run(
      """
      import json, sys, torch
      from torch.distributions import Bernoulli, Categorical, Normal, TransformedDistribution, kl_divergence, transforms
      torch.set_default_dtype(torch.float64)
      m, s = torch.tensor([0.3, -1.2, 2.0]), torch.tensor([0.5, 1.5, 0.1]); v = torch.tensor([0.1, -0.7, 2.2])
      n, n2 = Normal(m, s), Normal(torch.zeros(3), torch.ones(3))
      t = TransformedDistribution(n, [transforms.TanhTransform()]); w = torch.tensor([0.1, -0.7, 0.95])
      c, c2 = Categorical(logits=torch.tensor([[0.1, 2.0, -1.0], [0.0, 0.0, 3.0]])), Categorical(logits=torch.zeros(2, 3))
      b, b2 = Bernoulli(logits=torch.tensor([0.2, -3.0])), Bernoulli(probs=torch.tensor([0.5, 0.9]))
      f = lambda x: x.flatten().tolist()
      print(json.dumps(dict(normal=f(n.log_prob(v)), normalEntropy=f(n.entropy()), normalKL=f(kl_divergence(n, n2)),
        tanh=f(t.log_prob(w)), categorical=f(c.log_prob(torch.tensor([1, 2]))), categoricalEntropy=f(c.entropy()),
        categoricalKL=f(kl_divergence(c, c2)), bernoulli=f(b.log_prob(torch.tensor([1.0, 0.0]))),
        bernoulliEntropy=f(b.entropy()), bernoulliKL=f(kl_divergence(b, b2)))))
      """)
    func close(_ tensor: Tensor, _ values: [Double], _ what: String) {
      let found = tensor.array(of: Double.self)
      #expect(found.count == values.count && zip(found, values).allSatisfy { abs($0 - $1) < 1e-9 }, "\(what)")
    }
    let mean = Tensor([0.3, -1.2, 2.0]), std = Tensor([0.5, 1.5, 0.1])
    let normal = Normal(mean: mean, std: std)
    let standard = Normal(mean: Tensor([0.0, 0, 0]), std: Tensor([1.0, 1, 1]))
    close(normal.logProb(Tensor([0.1, -0.7, 2.2])), expected.normal, "normal")
    close(normal.entropy(), expected.normalEntropy, "entropy of the normal")
    close(normal.klDivergence(to: standard), expected.normalKL, "divergence of normals")
    close(TanhNormal(mean: mean, std: std).logProb(Tensor([0.1, -0.7, 0.95])), expected.tanh, "squashed normal")
    let categorical = Categorical(logits: Tensor([0.1, 2.0, -1.0, 0, 0, 3], shape: [2, 3]))
    close(categorical.logProb(Tensor([1, 2] as [Int64])), expected.categorical, "categorical")
    close(categorical.entropy(), expected.categoricalEntropy, "entropy of the categorical")
    close(
      categorical.klDivergence(to: Categorical(logits: Tensor([0.0, 0, 0, 0, 0, 0], shape: [2, 3]))),
      expected.categoricalKL, "divergence of categoricals")
    let bernoulli = Bernoulli(logits: Tensor([0.2, -3.0]))
    close(bernoulli.logProb(Tensor([1.0, 0.0])), expected.bernoulli, "Bernoulli")
    close(bernoulli.entropy(), expected.bernoulliEntropy, "entropy of the Bernoulli")
    close(
      bernoulli.klDivergence(to: Bernoulli(probs: Tensor([0.5, 0.9]))), expected.bernoulliKL, "divergence of Bernoullis")
  }

  /// Means and spreads of 40,000 samples, within five standard errors; the same seed draws the same numbers.
  @Test func samplesHaveTheirMoments() {
    let count = 40_000
    let normal = Normal(mean: Tensor([0.3]), std: Tensor([0.5]))
    let draws = normal.sample([count], generator: Generator(seed: 1)).array(of: Double.self)
    let mean = draws.reduce(0, +) / Double(count)
    let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    #expect(abs(mean - 0.3) < 5 * 0.5 / Double(count).squareRoot())
    #expect(abs(variance - 0.25) < 5 * 0.25 * (2 / Double(count)).squareRoot())
    #expect(draws == normal.sample([count], generator: Generator(seed: 1)).array(of: Double.self))
    #expect(draws != normal.sample([count], generator: Generator(seed: 2)).array(of: Double.self))

    let categorical = Categorical(probs: Tensor([0.2, 0.5, 0.3]))
    let choices = categorical.sample([count], generator: Generator(seed: 1)).array(of: Int64.self)
    for (choice, probability) in [0.2, 0.5, 0.3].enumerated() {
      let share = Double(choices.filter { $0 == Int64(choice) }.count) / Double(count)
      #expect(abs(share - probability) < 5 * (probability * (1 - probability) / Double(count)).squareRoot())
    }
    let squashed = TanhNormal(mean: Tensor([3.0]), std: Tensor([2.0])).sample([1_000], generator: Generator(seed: 3))
    #expect(squashed.array(of: Double.self).allSatisfy { abs($0) <= 1 })
  }
}
