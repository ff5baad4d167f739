import TestSupport
import Testing
import Torch

/// Products with derivatives, linear solvers and implicit gradients: against closed forms, and against
/// `torch.autograd.functional`.
struct DerivativeTests {
  /// A positive definite matrix with eigenvalues from 1 to 4, and two vectors.
  private let matrix: Tensor
  private let b: Tensor, v: Tensor

  init() {
    let generator = Generator(seed: 5)
    let basis = Tensor.orthogonal([6, 6], generator: generator, dtype: .float64)
    matrix = basis.matmul((Tensor([1.0, 1.5, 2, 2.5, 3, 4])).unsqueeze(1) * basis.mT)
    b = Tensor.randn([6], generator: generator, dtype: .float64)
    v = Tensor.randn([6], generator: generator, dtype: .float64)
  }

  @Test func productsEqualPyTorchs() throws {
    struct Expected: Decodable { var vjp, jvp, hvp: [[Double]]; var jacobian, hessian: [Double]; var value: Double }
    let expected: Expected = try Python.run(
      """
      import json, torch
      from torch.autograd import functional as A
      torch.set_default_dtype(torch.float64)
      x, y = torch.tensor([0.3, -0.8, 1.2]), torch.tensor([[0.5, -1.0, 0.2], [1.5, 0.7, -0.3]])
      u, w = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([[0.1, 0.2, -0.3], [0.4, 1.0, 0.6]])
      s = torch.tensor([0.7, -1.1])
      f = lambda x, y: (y @ x.sin()).tanh() * x.square().sum()
      g = lambda x, y: f(x, y).exp().sum()
      one = lambda t: (t.sin() * t.square().sum()).cumsum(0)
      flat = lambda ts: [t.flatten().tolist() for t in ts]
      value, hvp = A.hvp(g, (x, y), (u, w))
      print(json.dumps(dict(vjp=flat(A.vjp(f, (x, y), s)[1]), jvp=flat([A.jvp(f, (x, y), (u, w))[1]]), hvp=flat(hvp),
        value=value.item(), jacobian=A.jacobian(one, x).flatten().tolist(),
        hessian=A.hessian(lambda t: one(t).prod(), x).flatten().tolist())))
      """)
    let x = Tensor([0.3, -0.8, 1.2]), y = Tensor([[0.5, -1.0, 0.2], [1.5, 0.7, -0.3]])
    let u = Tensor([1.0, -2.0, 0.5]), w = Tensor([[0.1, 0.2, -0.3], [0.4, 1.0, 0.6]])
    func f(_ inputs: [Tensor]) -> [Tensor] {
      [inputs[1].matmul(inputs[0].sin()).tanh() * inputs[0].square().sum()]
    }
    func one(_ t: Tensor) -> Tensor { (t.sin() * t.square().sum()).cumsum(dim: 0) }
    func expectEqual(_ found: [Tensor], _ expected: [[Double]], _ what: String) {
      #expect(found.count == expected.count)
      for (tensor, values) in zip(found, expected) {
        #expect(difference(tensor.array(), values) < 1e-12, "\(what)")
      }
    }
    let pulled = vectorJacobianProduct(of: f, at: [x, y], vectors: [Tensor([0.7, -1.1])])
    expectEqual(pulled.products, expected.vjp, "vjp")
    #expect(pulled.outputs[0].equal(f([x, y])[0]) && !pulled.outputs[0].requiresGrad)
    expectEqual(jacobianVectorProduct(of: f, at: [x, y], vectors: [u, w]).products, expected.jvp, "jvp")
    let curved = hessianVectorProduct(of: { f($0)[0].exp().sum() }, at: [x, y], vectors: [u, w])
    expectEqual(curved.products, expected.hvp, "hvp")
    #expect(abs(curved.value.item() - expected.value) < 1e-12)
    expectEqual([jacobian(of: one, at: x)], [expected.jacobian], "jacobian")
    expectEqual([hessian(of: { one($0).prod() }, at: x)], [expected.hessian], "hessian")
    #expect(!x.requiresGrad && x.grad == nil)
  }

  @Test func derivativesOfConstantsAreZero() {
    let x = Tensor([1.0, 2.0])
    let (_, products) = hessianVectorProduct(of: { $0[0].sum() }, at: [x, x], vectors: [x, x])
    #expect(products.allSatisfy { $0.array() == [0.0, 0.0] })
    #expect(hessian(of: { $0.sum() * 3 }, at: x).array() == [0.0, 0, 0, 0])
    #expect(jacobian(of: { _ in Tensor([5.0]) }, at: x).shape == [1, 2])
  }

  /// H v of ½ xᵀ A x + bᵀ x is A v, and its products can be differentiated again.
  @Test func hessianOfAQuadratic() {
    let x = b.clone().requiresGrad_()
    let value = x.dot(matrix.mv(x)) * 0.5 + b.dot(x)
    let product = hessianVectorProduct(of: value, withRespectTo: [x], vectors: [v])[0]
    #expect(product.allclose(matrix.mv(v), relative: 1e-12))
    let cubic = hessianVectorProduct(of: x.pow(3).sum(), withRespectTo: [x], vectors: [v], createGraph: true)[0]
    #expect(gradients(of: cubic.sum(), withRespectTo: [x])[0].allclose(v * 6, relative: 1e-12))
  }

  /// Six different eigenvalues: six iterations, split over two tensors as over one.
  @Test func conjugateGradientsSolve() {
    let exact = matrix.solve(b)
    let whole = conjugateGradient([b], iterations: 20) { [matrix.mv($0[0])] }
    #expect(whole.converged && whole.iterations <= 7 && whole.residual < 1e-9)
    #expect(whole.solution[0].allclose(exact, relative: 1e-8, absolute: 1e-9))
    let parts = conjugateGradient([b[..<2], b[2...]], iterations: 20) { parts in
      let product = matrix.mv(.cat(parts))
      return [product[..<2], product[2...]]
    }
    #expect(Tensor.cat(parts.solution).allclose(exact, relative: 1e-8, absolute: 1e-9))
    let damped = conjugateGradient([b], iterations: 20, damping: 0.5) { [matrix.mv($0[0])] }
    let shifted = matrix + Tensor.eye(6, dtype: .float64) * 0.5
    #expect(damped.solution[0].allclose(shifted.solve(b), relative: 1e-8, absolute: 1e-9))
    let started = conjugateGradient([b], start: [exact], iterations: 20) { [matrix.mv($0[0])] }
    #expect(started.converged && started.iterations == 0)
    let early = conjugateGradient([b], iterations: 2) { [matrix.mv($0[0])] }
    #expect(!early.converged && early.iterations == 2)
    #expect(abs(early.residual - (b - matrix.mv(early.solution[0])).norm().item()) < 1e-12)
    let negative = conjugateGradient([b], iterations: 20) { [matrix.mv($0[0]).neg()] }
    #expect(!negative.converged && negative.iterations == 1)
    let nothing = conjugateGradient([b.zerosLike()]) { [matrix.mv($0[0])] }
    #expect(nothing.converged && nothing.solution[0].norm().item() == 0)
  }

  /// The partial sums of the series, and its limit: the slowest term falls as (1 − 1/4)ᵏ.
  @Test func neumannSeriesSolves() {
    let three = neumannSeries([b], scale: 0.25, terms: 3) { [matrix.mv($0[0])] }[0]
    let step = Tensor.eye(6, dtype: .float64) - matrix * 0.25
    #expect(three.allclose((b + step.mv(b) + step.mv(step.mv(b))) * 0.25, relative: 1e-12))
    let limit = neumannSeries([b], scale: 0.25, terms: 120) { [matrix.mv($0[0])] }[0]
    #expect(limit.allclose(matrix.solve(b), relative: 1e-9, absolute: 1e-9))
  }

  /// Ridge regression: θ*(φ) = (XᵀX + e^φ I)⁻¹ Xᵀ y, and F = ‖Z θ* − t‖² + φ². The gradient by the implicit function
  /// theorem equals the one through the closed form.
  @Test(arguments: [
    InverseHessian.conjugateGradient(iterations: 10), .neumann(terms: 400, scale: 0.1),
  ])
  func implicitGradientOfRidgeRegression(inverse: InverseHessian) {
    let generator = Generator(seed: 9)
    let X = Tensor.randn([8, 3], generator: generator, dtype: .float64) * 0.7
    let y = Tensor.randn([8], generator: generator, dtype: .float64)
    let Z = Tensor.randn([5, 3], generator: generator, dtype: .float64)
    let t = Tensor.randn([5], generator: generator, dtype: .float64)
    func minimiser(_ phi: Tensor) -> Tensor {
      (X.mT.matmul(X) + phi.exp() * Tensor.eye(3, dtype: .float64)).solve(X.mT.mv(y))
    }
    func outer(_ theta: Tensor, _ phi: Tensor) -> Tensor { (Z.mv(theta) - t).square().sum() + phi.square() }
    let phi = Tensor(0.4).requiresGrad_()
    let exact = gradients(of: outer(minimiser(phi), phi), withRespectTo: [phi])[0].item()

    let theta = minimiser(phi).detach().requiresGrad_()
    let inner = ((X.mv(theta) - y).square().sum() + phi.exp() * theta.square().sum()) * 0.5
    let found = implicitGradient(
      of: outer(theta, phi), inner: inner, parameters: [theta], hyperparameters: [phi], inverse: inverse)
    #expect(abs(found[0].item() - exact) < 1e-8 * abs(exact))
    #expect(theta.grad == nil && phi.grad == nil)
  }
}
