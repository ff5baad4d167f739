import Basics
internal import CTorch

/// A seeded source of randomness for tensors: the numbers of `torch.Generator().manual_seed(seed)`.
///
/// A generator is an object with a state that every draw advances. It belongs to one task at a time.
public final class Generator {
  public let device: Device
  let pointer: ct_generator

  public init(seed: UInt64, device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line) {
    guard let pointer = ct_generator_new(seed, device.c) else { trap(file, line) }
    self.pointer = pointer
    self.device = device
  }

  deinit { ct_generator_free(pointer) }

  /// Everything the next draws depend on, as bytes to save: a generator restored from them draws the same numbers.
  public var state: [UInt8] {
    withExtendedLifetime(self) { Tensor(owning: ct_generator_state(pointer), #fileID, #line).array(of: UInt8.self) }
  }

  /// Continues from a saved `state`.
  /// - Throws: `GuerdonError` when the bytes are not the state of such a generator; it then keeps its own.
  public func restore(_ state: [UInt8]) throws {
    let bytes = Tensor(state)
    guard withExtendedLifetime(self, { bytes.withPointer { ct_generator_set_state(pointer, $0) } }) == 0 else {
      throw GuerdonError.failure("These bytes are not the state of a random generator on \(device): \(lastMessage)")
    }
  }

  func draw(_ file: StaticString, _ line: UInt, _ body: (ct_generator) -> ct_tensor?) -> Tensor {
    withExtendedLifetime(self) { Tensor(owning: body(pointer), file, line) }
  }
}

@available(*, unavailable, message: "A generator belongs to one task at a time.")
extension Generator: @unchecked Sendable {}

extension Tensor {
  /// Uniform in [0, 1), on the generator's device.
  public static func rand(
    _ shape: [Int], generator: Generator, dtype: DType = .float32, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    generator.draw(file, line) { g in shape.withInt64 { ct_rand($0, $1, g, options(dtype, generator.device)) } }
  }

  /// Standard normal.
  public static func randn(
    _ shape: [Int], generator: Generator, dtype: DType = .float32, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    generator.draw(file, line) { g in shape.withInt64 { ct_randn($0, $1, g, options(dtype, generator.device)) } }
  }

  /// Uniform in [low, high): `torch.Tensor.uniform_`.
  public static func uniform(
    _ shape: [Int], low: Double, high: Double, generator: Generator, dtype: DType = .float32,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    generator.draw(file, line) { g in
      shape.withInt64 { ct_uniform($0, $1, low, high, g, options(dtype, generator.device)) }
    }
  }

  /// Uniform integers of `range`.
  public static func randint(
    _ range: Range<Int>, _ shape: [Int], generator: Generator, dtype: DType = .int64, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    generator.draw(file, line) { g in
      shape.withInt64 {
        ct_randint(
          Int64(range.lowerBound), Int64(range.upperBound), $0, $1, g, options(dtype, generator.device))
      }
    }
  }

  /// 0, 1, …, `count` − 1 in random order.
  public static func randperm(
    _ count: Int, generator: Generator, dtype: DType = .int64, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    generator.draw(file, line) { ct_randperm(Int64(count), $0, options(dtype, generator.device)) }
  }

  /// Exponential with mean 1.
  public static func exponential(
    _ shape: [Int], generator: Generator, dtype: DType = .float32, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    generator.draw(file, line) { g in
      shape.withInt64 { ct_exponential($0, $1, g, options(dtype, generator.device)) }
    }
  }

  /// A draw from Gamma(a, 1) for each element a, differentiable in a.
  public func standardGamma(generator: Generator, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    generator.draw(file, line) { g in withPointer { ct_gamma($0, g) } }
  }

  /// A draw from the Dirichlet distribution of each row of concentrations, differentiable (once) in them.
  public func dirichlet(generator: Generator, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    generator.draw(file, line) { g in withPointer { ct_dirichlet($0, g) } }
  }

  /// One where a coin of each element's probability falls, zero elsewhere.
  public func bernoulli(generator: Generator, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    generator.draw(file, line) { g in withPointer { ct_bernoulli($0, g) } }
  }

  /// `count` indices drawn from each row's unnormalised probabilities, [rows, classes] → [rows, count].
  public func multinomial(
    _ count: Int, replacement: Bool = false, generator: Generator, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    generator.draw(file, line) { g in withPointer { ct_multinomial($0, Int64(count), replacement, g) } }
  }
}
