import Basics
import TestSupport
import Testing
import Torch

/// What modules do beyond computing: dropout, averages, moves, other parameters, initial values.
struct ModuleBehaviourTests {
  @Test func dropoutScalesWhatItKeepsWhileTraining() {
    let dropout = Dropout(0.25, generator: Generator(seed: 1))
    let count = 40_000
    let x = Tensor.full([count], 3, dtype: .float64).requiresGrad_()
    let y = dropout(x)
    let values = y.detach().array(of: Double.self)
    #expect(values.allSatisfy { $0 == 0 || abs($0 - 4) < 1e-12 })
    let kept = Double(values.count { $0 != 0 }) / Double(count)
    #expect(abs(kept - 0.75) < 5 * (0.75 * 0.25 / Double(count)).squareRoot())
    // The gradient passes through what was kept, and is scaled likewise.
    let slope = gradients(of: y.sum(), withRespectTo: [x])[0]
    #expect((slope * 3).allclose(y.detach(), relative: 1e-12))
    #expect(!dropout(x).equal(y), "Every call draws anew.")
    #expect(Dropout(0.25, generator: Generator(seed: 1))(x).equal(y), "The seed decides.")
    dropout.eval()
    #expect(dropout(x).isSame(as: x))
    dropout.train()
    #expect((dropout(x) .== 0).any().itemBool())
    #expect(Dropout(0, generator: Generator(seed: 1))(x).isSame(as: x))
  }

  @Test func trainingModeReachesEveryModule() {
    let network = Sequential(
      Sequential(Dropout(generator: Generator(seed: 1)), BatchNorm1d(2)), Dropout(generator: Generator(seed: 2)))
    func modes() -> [Bool] { network.modules().compactMap { ($0 as? any TrainingDependent)?.isTraining } }
    network.eval()
    #expect(modes() == [false, false, false])
    network.train()
    #expect(modes() == [true, true, true])
  }

  private func pair() -> (Sequential, Sequential) {
    func network(_ seed: UInt64) -> Sequential {
      Sequential(Linear(2, 3, generator: Generator(seed: seed), dtype: .float64), BatchNorm1d(3, dtype: .float64))
    }
    return (network(1), network(2))
  }

  private func equal(_ x: Tensor, _ y: Tensor?) -> Bool { y.map { x.equal($0) } ?? false }

  @Test func polyakUpdateMovesTheShareOfTheWay() {
    let (target, source) = pair()
    _ = source(Tensor.randn([5, 2], generator: Generator(seed: 3), dtype: .float64))
    let before = target.stateDict().mapValues { $0.clone() }
    polyakUpdate(target, toward: source, rate: 0.2)
    for (name, tensor) in target.stateDict() {
      guard let old = before[name], let new = source.stateDict()[name] else { continue }
      let expected = name == "1.num_batches_tracked" ? new : old * 0.8 + new * 0.2
      #expect(tensor.allclose(expected, relative: 1e-12), "\(name)")
    }
    #expect(target.parameters().allSatisfy { $0.requiresGrad && $0.isLeaf })
    polyakUpdate(target, toward: source, rate: 1)
    for (name, tensor) in target.stateDict() { #expect(equal(tensor, source.stateDict()[name]), "\(name)") }
  }

  /// 1 − decay^t of the way after t updates toward something fixed.
  @Test func exponentialMovingAverage() throws {
    let (module, source) = pair()
    let start = module.stateDict().mapValues { $0.clone() }
    let average = ExponentialMovingAverage(of: module, decay: 0.9)
    try module.loadStateDict(source.stateDict())
    for _ in 0..<3 { average.update(from: module) }
    let kept = 0.9 * 0.9 * 0.9
    for (name, tensor) in average.stateDict() where name != "1.num_batches_tracked" {
      guard let old = start[name], let new = source.stateDict()[name] else { continue }
      #expect(tensor.allclose(old * kept + new * (1 - kept), relative: 1e-12), "\(name)")
    }
    let own = module.parameters()[0].clone()
    average.applied(to: module) {
      #expect(equal(module.parameters()[0], average.stateDict()["0.weight"]))
    }
    #expect(module.parameters()[0].equal(own))
    let (copy, _) = pair()
    average.copy(to: copy)
    #expect(equal(copy.parameters()[0], average.stateDict()["0.weight"]))

    let resumed = ExponentialMovingAverage(of: pair().0, decay: 0.9)
    try resumed.loadStateDict(average.stateDict(), updates: 3)
    resumed.update(from: module)
    average.update(from: module)
    #expect(average.stateDict().allSatisfy { name, tensor in equal(tensor, resumed.stateDict()[name]) })
    #expect(throws: GuerdonError.self) { try resumed.loadStateDict(["0.weight": Tensor([1.0])]) }

    // Warming up: decays 1/10, 2/11, …
    let warm = ExponentialMovingAverage(of: pair().0, decay: 0.9, warmUp: true)
    warm.update(from: module)
    warm.update(from: module)
    let share = 0.1 * 2 / 11
    let expected = try #require(start["0.weight"]) * share + own * (1 - share)
    #expect(try #require(warm.stateDict()["0.weight"]).allclose(expected, relative: 1e-12))
  }

  /// Moved parameters stay the same tensors, so that the optimiser goes on with them.
  @Test func modulesMoveBetweenTypes() {
    let (module, _) = pair()
    let parameters = module.parameters()
    let optimizer = SGD(parameters, learningRate: 0.5)
    let before = parameters[0].detach().array(of: Double.self)
    module.to(.float32)
    #expect(module.parameters().allSatisfy { $0.dtype == .float32 && $0.requiresGrad && $0.isLeaf })
    #expect(zip(module.parameters(), parameters).allSatisfy { $0.isSame(as: $1) })
    #expect(module.stateDict()["1.running_mean"]?.dtype == .float32)
    #expect(module.stateDict()["1.num_batches_tracked"]?.dtype == .int64, "Integers keep their type.")
    #expect(parameters[0].detach().array(of: Double.self) == before.map { Double(Float($0)) })
    module(Tensor.ones([4, 2])).sum().backward()
    #expect(parameters[0].grad?.dtype == .float32)
    parameters[1].grad = Tensor.ones([3])
    let bias = parameters[1].detach().clone()
    optimizer.step()
    #expect(module.stateDict()["0.bias"]?.allclose(bias - 0.5) == true)
    module.to(.bfloat16)
    module.eval()
    #expect(module(Tensor.ones([4, 2], dtype: .bfloat16)).dtype == .bfloat16)
  }

  /// One step of gradient descent differentiated through: for f = ½ c θ², the loss after θ − α c θ has the derivative
  /// c θ (1 − α c)².
  @Test func functionalCallDifferentiatesThroughAStep() {
    final class Quadratic: Module {
      @Parameter var theta: Tensor
      init() { _theta = Parameter(Tensor(1.5)) }
      func loss() -> Tensor { theta * theta * (0.5 * 3.0) }
    }
    let module = Quadratic()
    let slope = gradients(of: module.loss(), withRespectTo: module.parameters(), createGraph: true)[0]
    let moved = module.theta - slope * 0.2
    let after = functionalCall(module, with: ["theta": moved]) {
      #expect(module.theta.item() == moved.item())
      return module.loss()
    }
    #expect(module.theta.item() == 1.5 && module.theta.isLeaf && moved.item() != 1.5)
    let found = gradients(of: after, withRespectTo: [module.theta])[0].item()
    #expect(abs(found - 3 * 1.5 * (1 - 0.6) * (1 - 0.6)) < 1e-12)
    struct Stop: Error {}
    #expect(throws: Stop.self) { try functionalCall(module, with: ["theta": moved]) { throw Stop() } }
    #expect(module.theta.item() == 1.5)
  }

  /// The second derivative through attention, against differences of the first.
  @Test func unfusedAttentionIsDifferentiatedTwice() {
    let generator = Generator(seed: 8)
    let attention = MultiheadAttention(
      4, heads: 2, batchFirst: true, fused: false, generator: generator, dtype: .float64)
    let x = Tensor.randn([1, 3, 4], generator: generator, dtype: .float64)
    let v = Tensor.randn([1, 3, 4], generator: generator, dtype: .float64)
    func loss(_ x: Tensor) -> Tensor { attention(x, x, x, causal: true).square().sum() }
    func slope(at x: Tensor) -> Tensor {
      vectorJacobianProduct(of: { [loss($0[0])] }, at: [x], vectors: [Tensor(1.0)]).products[0]
    }
    let product = hessianVectorProduct(of: { loss($0[0]) }, at: [x], vectors: [v]).products[0]
    let difference = (slope(at: x + v * 1e-5) - slope(at: x - v * 1e-5)) / 2e-5
    #expect(product.norm().item() > 1e-3 && product.allclose(difference, relative: 1e-5, absolute: 1e-7))
  }

  /// `torch.nn.init` with the same generator gives the same numbers.
  @Test func initialisationEqualsPyTorchs() throws {
    let expected: [String: [Double]] = try Python.run(
      """
      import json, torch
      from torch.nn import init
      torch.set_default_dtype(torch.float64)
      def made(shape, fill):
        t = torch.empty(shape); fill(t, torch.Generator().manual_seed(21)); return t.flatten().tolist()
      print(json.dumps(dict(
        kaiming=made((4, 3, 2), lambda t, g: init.kaiming_uniform_(t, a=0.5, generator=g)),
        xavier=made((4, 3), lambda t, g: init.xavier_uniform_(t, gain=1.5, generator=g)),
        tall=made((5, 3), lambda t, g: init.orthogonal_(t, gain=2.0, generator=g)),
        wide=made((2, 2, 3), lambda t, g: init.orthogonal_(t, generator=g)))))
      """)
    let found: [String: Tensor] = [
      "kaiming": .kaimingUniform([4, 3, 2], slope: 0.5, generator: Generator(seed: 21), dtype: .float64),
      "xavier": .xavierUniform([4, 3], gain: 1.5, generator: Generator(seed: 21), dtype: .float64),
      "tall": .orthogonal([5, 3], gain: 2, generator: Generator(seed: 21), dtype: .float64),
      "wide": .orthogonal([2, 2, 3], generator: Generator(seed: 21), dtype: .float64),
    ]
    for (name, values) in expected { #expect(difference(found[name]?.array() ?? [], values) < 1e-12, "\(name)") }
    let layer = Linear(6, 4, initialization: .orthogonal(gain: 3), generator: Generator(seed: 2), dtype: .float64)
    let weight = layer.weight.detach()
    #expect(weight.matmul(weight.mT).allclose(Tensor.eye(4, dtype: .float64) * 9, absolute: 1e-12))
    #expect(layer.bias?.detach().array() == [0.0, 0, 0, 0])
  }

  /// A tensor may be sent to another task, for the compiler sees that nothing here keeps it; sharing it is refused
  /// (`Tensor` and `Module` are not `Sendable`).
  @Test func tensorsAreSentBetweenTasks() async {
    func made() -> sending Tensor { Tensor([1.0, 2, 3]) }
    func doubled(_ x: sending Tensor) async -> sending Tensor {
      let task = Task { () -> [Double] in x.mul(2).array() }
      return Tensor(await task.value)
    }
    #expect(await doubled(made()).array() == [2.0, 4, 6])

    // What is not recorded in one task is not thereby unrecorded in another.
    let recorded = await withTaskGroup(of: Bool.self) { group in
      for number in 0..<16 {
        group.addTask {
          let x = Tensor([Double(number)]).requiresGrad_()
          let silent = noGrad { x * x }
          return (x * x).requiresGrad && !silent.requiresGrad
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(recorded)
  }
}
