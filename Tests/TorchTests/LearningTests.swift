import Basics
import Foundation
import TestSupport
import Testing
import Torch

/// Modules and optimisers beside PyTorch's, from the same parameters on the same data.
@Suite struct LearningTests {
  struct Input: Encodable {
    var optimizer: String
    var state: [String: [Double]]
    var x, y: [[Double]]
  }

  private static let script = """
    import json, sys, torch
    from torch import nn
    d = json.load(sys.stdin)
    torch.set_default_dtype(torch.float64)
    net = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 5), nn.ELU(), nn.Linear(5, 2))
    net.load_state_dict({k: torch.tensor(v).reshape(net.state_dict()[k].shape) for k, v in d["state"].items()})
    make = dict(
      adam=lambda p: torch.optim.Adam(p, lr=0.01), adamw=lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
      amsgrad=lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.01),
      sgd=lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
      rmsprop=lambda p: torch.optim.RMSprop(p, lr=0.01, weight_decay=0.1),
      centered=lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, centered=True, momentum=0.5))[d["optimizer"]]
    optimizer = make(net.parameters())
    x, y = torch.tensor(d["x"]), torch.tensor(d["y"])
    for _ in range(30):
        optimizer.zero_grad(); nn.functional.mse_loss(net(x), y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.3); optimizer.step()
    print(json.dumps({k: v.flatten().tolist() for k, v in net.state_dict().items()}))
    """

  private func network(seed: UInt64) -> Sequential {
    let generator = Generator(seed: seed)
    return Sequential(
      Linear(3, 8, generator: generator, dtype: .float64), LayerNorm(8, dtype: .float64), Tanh(),
      Linear(8, 5, generator: generator, dtype: .float64), ELU(), Linear(5, 2, generator: generator, dtype: .float64))
  }

  private func optimizer(_ name: String, _ parameters: [Tensor]) -> any Optimizer {
    switch name {
    case "adam": Adam(parameters, learningRate: 0.01)
    case "adamw": AdamW(parameters, learningRate: 0.01, weightDecay: 0.1)
    case "amsgrad": Adam(parameters, learningRate: 0.01, weightDecay: 0.01, amsgrad: true)
    case "rmsprop": RMSprop(parameters, weightDecay: 0.1)
    case "centered": RMSprop(parameters, learningRate: 0.01, alpha: 0.9, momentum: 0.5, centered: true)
    default: SGD(parameters, learningRate: 0.05, momentum: 0.9, nesterov: true)
    }
  }

  private func data() -> (x: [[Double]], y: [[Double]]) {
    var random = RandomGenerator(seed: 4)
    func rows(_ width: Int) -> [[Double]] { (0..<16).map { _ in (0..<width).map { _ in random.normal() } } }
    return (rows(3), rows(2))
  }

  private func step(_ network: Sequential, _ optimizer: any Optimizer, _ x: Tensor, _ y: Tensor) {
    optimizer.zeroGrad()
    network(x).mseLoss(y).backward()
    clipGradNorm(network.parameters(), maxNorm: 0.3)
    optimizer.step()
  }

  @Test(arguments: ["adam", "adamw", "amsgrad", "sgd", "rmsprop", "centered"])
  func thirtyStepsEqualPyTorch(name: String) throws {
    let network = network(seed: 1)
    let (x, y) = data()
    let expected: [String: [Double]] = try Python.run(
      Self.script,
      input: Input(optimizer: name, state: network.stateDict().mapValues { $0.array(of: Double.self) }, x: x, y: y))
    let optimizer = optimizer(name, network.parameters())
    let inputs = Tensor(x.flatMap { $0 }, shape: [16, 3]), targets = Tensor(y.flatMap { $0 }, shape: [16, 2])
    for _ in 0..<30 { step(network, optimizer, inputs, targets) }
    let found = network.stateDict().mapValues { $0.array(of: Double.self) }
    #expect(Set(found.keys) == Set(expected.keys))
    for (key, values) in expected {
      #expect(zip(values, found[key] ?? []).allSatisfy { abs($0 - $1) < 1e-9 }, "\(key)")
    }
  }

  /// An optimiser restored from its state goes on with the same numbers.
  @Test(arguments: ["adam", "sgd", "centered"]) func optimisersResume(name: String) throws {
    let (x, y) = data()
    let inputs = Tensor(x.flatMap { $0 }, shape: [16, 3]), targets = Tensor(y.flatMap { $0 }, shape: [16, 2])
    let whole = network(seed: 2), half = network(seed: 2), resumed = network(seed: 3)
    let first = optimizer(name, whole.parameters()), second = optimizer(name, half.parameters())
    for _ in 0..<10 { step(whole, first, inputs, targets) }
    for _ in 0..<5 { step(half, second, inputs, targets) }
    try resumed.loadStateDict(half.stateDict())
    let third = optimizer(name, resumed.parameters())
    try third.loadStateDict(second.stateDict())
    for _ in 0..<5 { step(resumed, third, inputs, targets) }
    for (key, tensor) in whole.stateDict() {
      #expect(tensor.array(of: Double.self) == resumed.stateDict()[key]?.array(of: Double.self))
    }
  }

  @Test func aStateThatDoesNotFitIsRefusedByName() {
    let network = network(seed: 1)
    var state = network.stateDict()
    state["0.weight"] = Tensor([1.0, 2.0], shape: [2])
    #expect(throws: GuerdonError.self) { try network.loadStateDict(state) }
    #expect(throws: GuerdonError.self) { try network.loadStateDict(state, strict: false) }
    state = network.stateDict()
    state["5.bias"] = nil
    #expect(throws: GuerdonError.self) { try network.loadStateDict(state) }
  }

  /// What is not strict says what it left alone and what it ignored.
  @Test func aStateThatFitsInPartIsLoadedInPart() throws {
    let network = network(seed: 1)
    let before = network.stateDict().mapValues { $0.clone() }
    var state = before.mapValues { $0 * 0 + 3 }
    state["5.bias"] = nil
    state["6.weight"] = Tensor([1.0])
    let error = try #require(throws: GuerdonError.self) { try network.loadStateDict(state) }
    #expect(error.message.contains("\"5.bias\""))
    let difference = try network.loadStateDict(state, strict: false)
    #expect(difference.missing == ["5.bias"] && difference.unexpected == ["6.weight"] && !difference.isEmpty)
    for (name, tensor) in network.stateDict() {
      #expect(name == "5.bias" ? tensor.equal(before[name] ?? tensor * 0) : (tensor .== 3).all().itemBool(), "\(name)")
    }
    #expect(try network.loadStateDict(before).isEmpty)
  }

  /// Norms of any order, and values: as `torch.nn.utils`.
  @Test func gradientsAreClippedAsInPyTorch() throws {
    struct Clipped: Codable, Equatable { var first, second, values: [Double]; var norms: [Double] }
    let expected: Clipped = try Python.run(
      """
      import json, torch
      from torch.nn.utils import clip_grad_norm_, clip_grad_value_
      torch.set_default_dtype(torch.float64)
      p, q = torch.zeros(3, requires_grad=True), torch.zeros(2, requires_grad=True)
      def reset(): p.grad, q.grad = torch.tensor([3.0, -4.0, 1.0]), torch.tensor([0.5, -12.0])
      out = lambda: p.grad.tolist() + q.grad.tolist()
      reset(); norms = [clip_grad_norm_([p, q], 2.0, 1.0).item()]; first = out()
      reset(); norms += [clip_grad_norm_([p, q], 2.0, float("inf")).item()]; second = out()
      reset(); clip_grad_value_([p, q], 2.5)
      print(json.dumps(dict(first=first, second=second, values=out(), norms=norms)))
      """)
    let p = Tensor.zeros([3], dtype: .float64).requiresGrad_(), q = Tensor.zeros([2], dtype: .float64).requiresGrad_()
    func clipped(_ clip: () -> Void) -> [Double] {
      p.grad = Tensor([3.0, -4.0, 1.0])
      q.grad = Tensor([0.5, -12.0])
      clip()
      return [p, q].flatMap { $0.grad?.array(of: Double.self) ?? [] }
    }
    var norms: [Double] = []
    let first = clipped { norms.append(clipGradNorm([p, q], maxNorm: 2, order: 1).item()) }
    let second = clipped { norms.append(clipGradNorm([p, q], maxNorm: 2, order: .infinity).item()) }
    let values = clipped { clipGradValue([p, q], limit: 2.5) }
    #expect(Clipped(first: first, second: second, values: values, norms: norms) == expected)
    clipGradValue([Tensor.zeros([1]).requiresGrad_()], limit: 1)
  }

  /// PyTorch's schedulers, step by step.
  @Test func schedulesEqualPyTorchs() throws {
    let expected: [String: [Double]] = try Python.run(
      """
      import json, torch
      from torch.optim import lr_scheduler as S
      def rates(make):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        scheduler = make(optimizer); found = []
        for _ in range(13):
          found.append(optimizer.param_groups[0]["lr"]); optimizer.step(); scheduler.step()
        return found
      warm = lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 4), S.CosineAnnealingLR(o, 9)], [4])
      print(json.dumps(dict(
        linear=rates(lambda o: S.LinearLR(o, 1.0, 0.2, 10)), cosine=rates(lambda o: S.CosineAnnealingLR(o, 12, 0.03)),
        step=rates(lambda o: S.StepLR(o, 3, 0.5)), steps=rates(lambda o: S.MultiStepLR(o, [2, 7], 0.1)),
        exponential=rates(lambda o: S.ExponentialLR(o, 0.9)), warm=rates(warm))))
      """)
    let schedules: [String: LearningRateSchedule] = [
      "linear": .linear(from: 1, to: 0.2, steps: 10), "cosine": .cosine(minimum: 0.1, steps: 12),
      "step": .step(size: 3, gamma: 0.5), "steps": .steps([2, 7], gamma: 0.1), "exponential": .exponential(gamma: 0.9),
      "warm": .cosine(steps: 9).warmingUp(from: 0.1, steps: 4),
    ]
    #expect(Set(schedules.keys) == Set(expected.keys))
    for (name, schedule) in schedules {
      let optimizer = SGD([Tensor.zeros([1]).requiresGrad_()], learningRate: 0.3)
      let scheduler = LearningRateScheduler(optimizer, schedule)
      var rates: [Double] = []
      for _ in 0..<13 {
        rates.append(optimizer.learningRate)
        optimizer.step()
        scheduler.step()
      }
      #expect(difference(rates, expected[name] ?? []) < 1e-14, "\(name)")
      let resumed = LearningRateScheduler(optimizer, schedule, baseRate: 0.3)
      resumed.stepCount = 5
      #expect(optimizer.learningRate == rates[5])
    }
    #expect(LearningRateSchedule.constant(7) == 1 && LearningRateSchedule.cosine(steps: 3)(9) == 0)
  }

  #if os(Linux)
  /// Thousands of training steps leave nothing behind. In a process of its own, so that no other test's memory counts.
  @Test func trainingRunsInFlatMemory() async {
    await #expect(processExitsWith: .success) {
      let tests = LearningTests()
      let network = tests.network(seed: 1)
      let optimizer = Adam(network.parameters())
      let (x, y) = tests.data()
      let inputs = Tensor(x.flatMap { $0 }, shape: [16, 3]), targets = Tensor(y.flatMap { $0 }, shape: [16, 2])
      for _ in 0..<1_000 { tests.step(network, optimizer, inputs, targets) }
      let before = try LearningTests.residentKilobytes()
      for _ in 0..<10_000 { tests.step(network, optimizer, inputs, targets) }
      let growth = try LearningTests.residentKilobytes() - before
      // One leaked activation a step (16 × 8 doubles) would be 10 MB; an allocator's own drift stays well below 4.
      #expect(growth < 4_000, "\(growth) kB")
    }
  }

  static func residentKilobytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS") })
    return try #require(Int(line.filter(\.isNumber)))
  }
  #endif
}
