/// The exponential moving average of a module's parameters and buffers, kept beside it: what a diffusion model is
/// evaluated with.
///
/// Every update moves the average the share 1 − decay of the way. With `warmUp` the decay of update t is at most
/// (1 + t) / (10 + t), so that the average soon forgets the start. Integer buffers are copied.
public final class ExponentialMovingAverage {
  public let decay: Double
  public let warmUp: Bool
  public private(set) var updates = 0
  private let average: [String: Tensor]

  /// Begins with the module's values.
  public init(of module: some Module, decay: Double, warmUp: Bool = false) {
    precondition((0...1).contains(decay), "A decay is in [0, 1].")
    self.decay = decay
    self.warmUp = warmUp
    average = noGrad { module.stateDict().mapValues { $0.clone() } }
  }

  /// After every step of the optimiser.
  public func update(from module: some Module) {
    let decay = warmUp ? min(self.decay, Double(1 + updates) / Double(10 + updates)) : self.decay
    move(average, toward: module.stateDict(), rate: 1 - decay)
    updates += 1
  }

  /// Runs `body` with the average in the module, and puts the module's own values back.
  public func applied<R>(to module: some Module, _ body: () throws -> R) rethrows -> R {
    let state = module.stateDict()
    let own = noGrad { state.mapValues { $0.clone() } }
    move(state, toward: average, rate: 1)
    defer { move(state, toward: own, rate: 1) }
    return try body()
  }

  /// Copies the average into a module built alike.
  public func copy(to module: some Module) { move(module.stateDict(), toward: average, rate: 1) }

  /// The average by name, as the module's own state dict; the tensors share their elements with this object.
  public func stateDict() -> [String: Tensor] { average }

  /// Goes on from a saved average.
  /// - Parameter updates: how many there had been, for the warm-up.
  /// - Throws: `GuerdonError` when names or shapes are not those of the module; nothing is then changed.
  public func loadStateDict(_ state: [String: Tensor], updates: Int = 0) throws {
    try checkState(state.mapValues(\.shape), fits: average.mapValues(\.shape), of: "the average", strict: true)
    move(average, toward: state, rate: 1)
    self.updates = updates
  }
}
