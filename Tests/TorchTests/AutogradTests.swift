import Testing
import Torch

/// Against closed forms; `OperationTests` compares every operation with PyTorch.
struct AutogradTests {
  @Test func backwardAccumulates() throws {
    let x = Tensor([1.0, 2, 3]).requiresGrad_()
    #expect(x.grad == nil && x.isLeaf && x.requiresGrad)
    (x * x).sum().backward()
    #expect(try #require(x.grad).array() == [2.0, 4, 6])
    (x * x).sum().backward()
    #expect(try #require(x.grad).array() == [4.0, 8, 12])
    (3 * x).backward(gradient: Tensor([1.0, 10, 100]))
    #expect(try #require(x.grad).array() == [7.0, 38, 312])
    x.grad = nil
    #expect(x.grad == nil)
  }

  @Test func recordingIsScoped() {
    let x = Tensor([2.0]).requiresGrad_()
    #expect(!noGrad { x * x }.requiresGrad && (x * x).requiresGrad && !(x * x).detach().requiresGrad)
    #expect(noGrad { enableGrad { x * x } }.requiresGrad)
    struct Stop: Error {}
    #expect(throws: Stop.self) { try noGrad { throw Stop() } }
    #expect((x * x).requiresGrad)
  }

  @Test func gradientsOfGradients() {
    // f = x³ y: the derivatives up to the third.
    let x = Tensor(2.0).requiresGrad_(), y = Tensor(5.0).requiresGrad_()
    let first = gradients(of: x.pow(3) * y, withRespectTo: [x, y], createGraph: true)
    #expect(first.map { $0.item() } == [60, 8])
    let second = gradients(of: first[0], withRespectTo: [x, y], createGraph: true)
    #expect(second.map { $0.item() } == [60, 12])
    #expect(gradients(of: second[0], withRespectTo: [x])[0].item() == 30)
    #expect(x.grad == nil)
  }

  @Test func unusedInputsAreNil() {
    let x = Tensor(2.0).requiresGrad_(), y = Tensor(5.0).requiresGrad_()
    let found = gradientsIfUsed(of: [x * x], withRespectTo: [x, y])
    #expect(found[0]?.item() == 4 && found[1] == nil)
  }

  @Test func retainedGraphsCanBeWalkedTwice() {
    let x = Tensor(3.0).requiresGrad_()
    let y = x * x
    #expect(gradients(of: y, withRespectTo: [x], retainGraph: true)[0].item() == 6)
    #expect(gradients(of: y, withRespectTo: [x])[0].item() == 6)
  }

  @Test func parallelTasksDoNotDisturbEachOther() async {
    let sums = await withTaskGroup(of: Double.self) { group in
      for seed in 0..<8 {
        group.addTask {
          let generator = Generator(seed: UInt64(seed))
          let x = Tensor.randn([16, 16], generator: generator, dtype: .float64).requiresGrad_()
          for _ in 0..<50 { x.matmul(x).tanh().sum().backward() }
          let once = gradients(of: x.matmul(x).tanh().sum(), withRespectTo: [x])[0]
          return (x.grad.map { $0 / 50 - once } ?? once).abs().max().item()
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(sums.count == 8 && sums.allSatisfy { $0 < 1e-12 })
  }
}
