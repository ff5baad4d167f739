import Basics
import Foundation
import TestSupport
import Testing
import Torch

struct TensorTests {
  @Test func creationAndProperties() {
    let x = Tensor([[1, 2, 3], [4, 5, 6]] as [[Float]])
    #expect(x.shape == [2, 3] && x.dim == 2 && x.numel == 6 && x.size(-1) == 3)
    #expect(x.dtype == .float32 && x.device == .cpu && x.isContiguous && !x.mT.isContiguous)
    #expect(x.mT.array(of: Float.self) == [1, 4, 2, 5, 3, 6])
    #expect(Tensor([1, 2, 3]).dtype == .int64 && Tensor([0.5]).dtype == .float64 && Tensor([true]).dtype == .bool)
    #expect(Tensor([1.5, -2.5]).array(of: Int.self) == [1, -2])
    #expect(Tensor([] as [Float]).array(of: Float.self) == [])
    #expect(Tensor.full([2], 7, dtype: .int64).array(of: Int.self) == [7, 7])
    #expect(Tensor.arange(4).array(of: Int.self) == [0, 1, 2, 3])
    #expect(Tensor.arange(1.0, 2.0, step: 0.25, dtype: .float64).array() == [1, 1.25, 1.5, 1.75])
    #expect(Tensor.linspace(0, 1, steps: 5, dtype: .float64).array() == [0, 0.25, 0.5, 0.75, 1])
    #expect(Tensor.eye(2).array(of: Float.self) == [1, 0, 0, 1])
    #expect(Tensor(2.5).item() == 2.5 && Tensor(1 << 60 + 1).itemInt() == 1 << 60 + 1 && Tensor(true).itemBool())
    #expect(x.withElements(of: Float.self) { Array($0) } == [1, 2, 3, 4, 5, 6])
    #expect(x.mT.withElements(of: Double.self) { Array($0) } == [1, 4, 2, 5, 3, 6])
    #expect(Tensor([1, 2]).description == " 1\n 2\n[ CPULongType{2} ]")
  }

  @Test func numbersDoNotChangePrecision() {
    let x = Tensor.ones([2]), n = Tensor([1, 2])
    #expect((x * 2.5).dtype == .float32 && (x + 1).dtype == .float32 && (x * Tensor(2.5)).dtype == .float32)
    #expect((n + 1).dtype == .int64 && (n + 0.5).dtype == .float32 && (n / 2).dtype == .float32)
    #expect(x.to(.bfloat16).add(1).dtype == .bfloat16)
  }

  @Test func viewsShareAndAssignmentsWriteThrough() {
    let x = Tensor.zeros([2, 3], dtype: .float64)
    x[0, 1...] = Tensor([1.0, 2.0])
    x[.all, 0] = Tensor(5.0)
    x[x .== 0] = Tensor(-1.0)
    #expect(x.array() == [5.0, 1, 2, 5, -1, -1])
    x.view([6])[2] = Tensor(9.0)
    #expect(x[0, 2].item() == 9)
    x.fill_(1).add_(Tensor([1.0, 2, 3]), alpha: 2).mul_(0.5)
    #expect(x.array() == [1.5, 2.5, 3.5, 1.5, 2.5, 3.5])
    x.copy_(Tensor([1.0, 2, 3])).lerp_(Tensor.zeros([2, 3], dtype: .float64), weight: 0.25)
    #expect(x.array() == [0.75, 1.5, 2.25, 0.75, 1.5, 2.25])
    let n = Tensor([1, 2]).add_(Tensor([3, 4]))
    #expect(n.array(of: Int.self) == [4, 6])
    #expect(x.equal(x.clone()) && x.allclose(x + 1e-9) && !x.allclose(x + 1e-3) && !x.clone().isSame(as: x))
  }

  @Test func seededNumbersArePyTorchs() throws {
    struct Numbers: Codable, Equatable {
      var rand, randn, uniform, bernoulli, exponential, gamma, dirichlet: [Float]
      var randint, randperm, multinomial: [Int]
    }
    let expected: Numbers = try Python.run(
      """
      import json, torch
      g = torch.Generator().manual_seed(1234)
      print(json.dumps(dict(
        rand=torch.rand(5, generator=g).tolist(), randn=torch.randn(40, generator=g).tolist(),
        uniform=torch.empty(3).uniform_(-2, 3, generator=g).tolist(),
        randint=torch.randint(2, 9, (6,), generator=g).tolist(),
        randperm=torch.randperm(7, generator=g).tolist(),
        bernoulli=torch.bernoulli(torch.full((8,), 0.3), generator=g).tolist(),
        exponential=torch.empty(4).exponential_(generator=g).tolist(),
        gamma=torch._standard_gamma(torch.tensor([0.5, 2.0, 9.0]), generator=g).tolist(),
        dirichlet=torch._sample_dirichlet(torch.tensor([[0.5, 2.0], [3.0, 1.0]]), generator=g).flatten().tolist(),
        multinomial=torch.multinomial(torch.tensor([1.0, 3.0, 2.0]), 6, True, generator=g).tolist())))
      """)
    let generator = Generator(seed: 1234)
    func draw() -> Numbers {
      let rand: [Float] = Tensor.rand([5], generator: generator).array()
      let randn: [Float] = Tensor.randn([40], generator: generator).array()
      let uniform: [Float] = Tensor.uniform([3], low: -2, high: 3, generator: generator).array()
      let randint: [Int] = Tensor.randint(2..<9, [6], generator: generator).array()
      let randperm: [Int] = Tensor.randperm(7, generator: generator).array()
      let bernoulli: [Float] = Tensor.full([8], 0.3).bernoulli(generator: generator).array()
      return Numbers(
        rand: rand, randn: randn, uniform: uniform,
        bernoulli: bernoulli, exponential: Tensor.exponential([4], generator: generator).array(),
        gamma: Tensor([0.5, 2.0, 9.0] as [Float]).standardGamma(generator: generator).array(),
        dirichlet: Tensor([[0.5, 2.0], [3.0, 1.0]] as [[Float]]).dirichlet(generator: generator).array(),
        randint: randint, randperm: randperm,
        multinomial: Tensor([1.0, 3.0, 2.0] as [Float])
          .multinomial(6, replacement: true, generator: generator).array())
    }
    #expect(draw() == expected)
    let state = generator.state
    let next = draw()
    try generator.restore(state)
    #expect(draw() == next && next != expected)
    #expect(throws: GuerdonError.self) { try generator.restore([1, 2, 3]) }
    try generator.restore(state)
    #expect(draw() == next)
  }

  @Test func devicesAreParsedAndChecked() throws {
    #expect(try Device("cpu") == .cpu)
    #expect("\(Device.cuda(1))" == "cuda:1" && "\(Device.cpu)" == "cpu")
    for name in ["gpu", "cpu:0", "cuda:x", "cuda:-1", "cuda:1:2", "cuda:99", ""] {
      let error = try #require(throws: GuerdonError.self) { try Device(name) }
      #expect(error.exitCode == 64 && error.message.contains("\"\(name)\""))
    }
  }

  @Test func errorsTrapWithLibTorchsMessageAndTheCallSite() async throws {
    let shape = try #require(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2, 3]).matmul(Tensor.zeros([2, 3]))
      })
    let message = String(decoding: shape.standardErrorContent, as: UTF8.self)
    #expect(message.contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"))
    #expect(message.contains("TorchTests/TensorTests.swift:"))

    let index = try #require(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2])[5]
      })
    #expect(String(decoding: index.standardErrorContent, as: UTF8.self).contains("index 5 is out of bounds"))

    let operation = try #require(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2]) + Tensor.zeros([3])
      })
    #expect(String(decoding: operation.standardErrorContent, as: UTF8.self).contains("The size of tensor a (2)"))
  }

  @Test func threadsCanBeSet() async {
    await #expect(processExitsWith: .success) {
      setThreads(1)
      #expect(threads() == 1)
      #expect(libTorchVersion.hasPrefix("2."))
    }
  }
}
