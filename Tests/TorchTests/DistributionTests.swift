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

  struct Relaxed: Decodable {
    var beta, betaEntropy, betaKL, betaMean, betaVariance, dirichlet, dirichletEntropy, dirichletKL, relaxed: [Double]
    var betaSlopes, dirichletSlopes: [[Double]]
    var betaSample, dirichletSample, soft, hard, softSlope, hardSlope: [Double]
  }

  /// Also the samples and their gradients are PyTorch's, from the same seed.
  @Test func betaDirichletAndGumbelEqualTorchDistributions() throws {
    let expected: Relaxed = try Python.run(
      """
      import json, torch
      import torch.nn.functional as F
      from torch.distributions import Beta, Dirichlet, RelaxedOneHotCategorical, kl_divergence
      torch.set_default_dtype(torch.float64)
      leaf = lambda *v: torch.tensor(v, requires_grad=True)
      f = lambda x: x.detach().flatten().tolist()
      a, b = leaf(0.7, 2.0, 5.5), leaf(1.5, 0.9, 3.0)
      beta, beta2 = Beta(a, b), Beta(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 0.5]))
      c = torch.tensor([[0.5, 1.5, 3.0], [2.0, 2.0, 0.8]], requires_grad=True)
      dirichlet, dirichlet2 = Dirichlet(c), Dirichlet(torch.tensor([[1.0, 1.0, 1.0], [0.5, 4.0, 2.0]]))
      point = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.85, 0.05]])
      w = torch.tensor([[1.0, -2.0, 0.5], [0.3, 1.0, 2.0]])
      logits = torch.tensor([[0.1, 2.0, -1.0], [0.0, 0.0, 3.0]], requires_grad=True)
      out = dict(
        beta=f(beta.log_prob(torch.tensor([0.2, 0.5, 0.9]))), betaEntropy=f(beta.entropy()),
        betaKL=f(kl_divergence(beta, beta2)), betaMean=f(beta.mean), betaVariance=f(beta.variance),
        dirichlet=f(dirichlet.log_prob(point)), dirichletEntropy=f(dirichlet.entropy()),
        dirichletKL=f(kl_divergence(dirichlet, dirichlet2)),
        relaxed=f(RelaxedOneHotCategorical(torch.tensor(0.7), logits=logits).log_prob(point)))
      torch.manual_seed(11); x = beta.rsample()
      out |= dict(betaSample=f(x), betaSlopes=[f(g) for g in torch.autograd.grad((x * w[0]).sum(), (a, b))])
      torch.manual_seed(12); x = dirichlet.rsample()
      out |= dict(dirichletSample=f(x), dirichletSlopes=[f(g) for g in torch.autograd.grad((x * w).sum(), c)])
      torch.manual_seed(13); x = F.gumbel_softmax(logits, 0.7)
      out |= dict(soft=f(x), softSlope=f(torch.autograd.grad((x * w).sum(), logits)[0]))
      torch.manual_seed(13); x = F.gumbel_softmax(logits, 0.7, hard=True)
      out |= dict(hard=f(x), hardSlope=f(torch.autograd.grad((x * w).sum(), logits)[0]))
      print(json.dumps(out))
      """)
    func close(_ tensor: Tensor, _ values: [Double], _ what: String) {
      #expect(difference(tensor.detach().array(of: Double.self), values) < 1e-10, "\(what)")
    }
    let a = Tensor([0.7, 2.0, 5.5]).requiresGrad_(), b = Tensor([1.5, 0.9, 3.0]).requiresGrad_()
    let beta = Beta(alpha: a, beta: b)
    close(beta.logProb(Tensor([0.2, 0.5, 0.9])), expected.beta, "beta")
    close(beta.entropy(), expected.betaEntropy, "entropy of the beta")
    close(
      beta.klDivergence(to: Beta(alpha: Tensor([1.0, 2.0, 3.0]), beta: Tensor([2.0, 2.0, 0.5]))), expected.betaKL,
      "divergence of betas")
    close(beta.mean, expected.betaMean, "mean of the beta")
    close(beta.variance, expected.betaVariance, "variance of the beta")
    let c = Tensor([[0.5, 1.5, 3.0], [2.0, 2.0, 0.8]]).requiresGrad_()
    let dirichlet = Dirichlet(concentration: c)
    let point = Tensor([[0.2, 0.3, 0.5], [0.1, 0.85, 0.05]]), w = Tensor([[1.0, -2.0, 0.5], [0.3, 1.0, 2.0]])
    close(dirichlet.logProb(point), expected.dirichlet, "Dirichlet")
    close(dirichlet.entropy(), expected.dirichletEntropy, "entropy of the Dirichlet")
    close(
      dirichlet.klDivergence(to: Dirichlet(concentration: Tensor([[1.0, 1.0, 1.0], [0.5, 4.0, 2.0]]))),
      expected.dirichletKL, "divergence of Dirichlets")
    let logits = Tensor([[0.1, 2.0, -1.0], [0.0, 0.0, 3.0]]).requiresGrad_()
    let relaxed = RelaxedOneHotCategorical(temperature: 0.7, logits: logits)
    close(relaxed.logProb(point), expected.relaxed, "relaxed one-hot")

    let x = beta.rsample(generator: Generator(seed: 11))
    close(x, expected.betaSample, "sample of the beta")
    for (slope, values) in zip(gradients(of: (x * w[0]).sum(), withRespectTo: [a, b]), expected.betaSlopes) {
      close(slope, values, "gradient of the beta's sample")
    }
    let y = dirichlet.rsample(generator: Generator(seed: 12))
    close(y, expected.dirichletSample, "sample of the Dirichlet")
    close(
      gradients(of: (y * w).sum(), withRespectTo: [c])[0], expected.dirichletSlopes[0],
      "gradient of the Dirichlet's sample")
    for (hard, sample, slope) in [
      (false, expected.soft, expected.softSlope), (true, expected.hard, expected.hardSlope),
    ] {
      let z = logits.gumbelSoftmax(temperature: 0.7, hard: hard, generator: Generator(seed: 13))
      close(z, sample, "Gumbel-softmax")
      close(gradients(of: (z * w).sum(), withRespectTo: [logits])[0], slope, "gradient of the Gumbel-softmax")
    }
  }

  /// Means of 40,000 samples within five standard errors: Beta, Dirichlet, Bernoulli, the squashed normal's median, and
  /// the classes that hard Gumbel samples choose.
  @Test func moreSamplesHaveTheirMoments() {
    let count = 40_000
    func expectMean(_ samples: Tensor, _ mean: Double, variance: Double, _ what: String) {
      let found = samples.mean().item()
      #expect(abs(found - mean) < 5 * (variance / Double(count)).squareRoot(), "\(what): \(found), not \(mean)")
    }
    let beta = Beta(alpha: Tensor([2.0]), beta: Tensor([3.0]))
    let betas = beta.sample([count], generator: Generator(seed: 1))
    expectMean(betas, 0.4, variance: 0.04, "Beta")
    // E[x²] = variance + mean², and the variance of x² is at most that of x times 4.
    expectMean(betas.square(), 0.04 + 0.16, variance: 0.16, "Beta's square")
    let dirichlet = Dirichlet(concentration: Tensor([1.0, 2.0, 5.0]))
    let vectors = dirichlet.sample([count], generator: Generator(seed: 2))
    #expect(vectors.shape == [count, 3] && (vectors.sum(dim: 1) - 1).abs().max().item() < 1e-12)
    for (index, share) in [0.125, 0.25, 0.625].enumerated() {
      expectMean(vectors.select(1, index), share, variance: share * (1 - share) / 9, "Dirichlet")
    }
    let coins = Bernoulli(probs: Tensor([0.3])).sample([count], generator: Generator(seed: 3))
    expectMean(coins, 0.3, variance: 0.21, "Bernoulli")
    let squashed = TanhNormal(mean: Tensor([0.5]), std: Tensor([0.8])).sample([count], generator: Generator(seed: 4))
    expectMean((squashed .> tanh(0.5)).to(.float64), 0.5, variance: 0.25, "squashed normal")
    let relaxed = RelaxedOneHotCategorical(temperature: 0.5, logits: Tensor([0.2, 0.5, 0.3]).log())
    let choices = relaxed.rsample([count], hard: true, generator: Generator(seed: 5))
    for (index, share) in [0.2, 0.5, 0.3].enumerated() {
      expectMean(choices.select(1, index), share, variance: share * (1 - share), "Gumbel-softmax")
    }
  }

  /// The squashed normal's log-probability with its sample is that of the sample.
  @Test func squashedSamplesKnowTheirLogProbability() {
    let squashed = TanhNormal(mean: Tensor([0.3, -0.5]), std: Tensor([0.4, 0.9]))
    let (sample, logProb) = squashed.rsampleWithLogProb([50], generator: Generator(seed: 6))
    #expect(logProb.allclose(squashed.logProb(sample), relative: 1e-9, absolute: 1e-9))
  }
}
