import Foundation

/// How a learning rate changes with the number of steps taken, as a factor of the first: a value, so that a resumed run
/// needs only the step.
///
/// ```swift
/// let schedule = LearningRateSchedule.cosine(steps: 10_000).warmingUp(steps: 500)
/// for step in 0..<10_500 {
///   optimizer.learningRate = 3e-4 * schedule(step)
///   …
/// }
/// ```
public indirect enum LearningRateSchedule: Sendable, Hashable {
  case constant
  /// From one factor to another in equal steps, and then that one: `torch.optim.lr_scheduler.LinearLR`.
  case linear(from: Double = 1, to: Double = 0, steps: Int)
  /// Down half a cosine to `minimum` (Loshchilov & Hutter 2017, arXiv:1608.03983, equation 5), and then that:
  /// `CosineAnnealingLR` up to its `T_max`.
  case cosine(minimum: Double = 0, steps: Int)
  /// `gamma` times every `size` steps: `StepLR`.
  case step(size: Int, gamma: Double = 0.1)
  /// `gamma` times at each of these steps: `MultiStepLR`.
  case steps([Int], gamma: Double = 0.1)
  /// `gamma` times every step: `ExponentialLR`.
  case exponential(gamma: Double)
  /// The first for so many steps, then the second from its start: `SequentialLR`.
  case sequence(LearningRateSchedule, steps: Int, LearningRateSchedule)

  /// Linear from `start` to 1, then this schedule from its start.
  public func warmingUp(from start: Double = 0, steps: Int) -> Self {
    .sequence(.linear(from: start, to: 1, steps: steps), steps: steps, self)
  }

  /// The factor after `step` steps; that of the first is step 0's.
  public func callAsFunction(_ step: Int) -> Double {
    switch self {
    case .constant: return 1
    case .linear(let from, let to, let steps): return from + (to - from) * Self.progress(step, of: steps)
    case .cosine(let minimum, let steps):
      return minimum + (1 - minimum) * (1 + cos(Double.pi * Self.progress(step, of: steps))) / 2
    case .step(let size, let gamma): return pow(gamma, Double(step / max(size, 1)))
    case .steps(let milestones, let gamma): return pow(gamma, Double(milestones.count { $0 <= step }))
    case .exponential(let gamma): return pow(gamma, Double(step))
    case .sequence(let first, let steps, let second): return step < steps ? first(step) : second(step - steps)
    }
  }

  private static func progress(_ step: Int, of steps: Int) -> Double {
    steps > 0 ? min(1, Double(step) / Double(steps)) : 1
  }
}

/// Sets an optimiser's learning rate by a schedule, counted in its own steps: PyTorch's `lr_scheduler`.
public final class LearningRateScheduler {
  public let schedule: LearningRateSchedule
  /// The rate that the schedule multiplies.
  public let baseRate: Double
  /// How many steps were taken. Setting it, after a resumed run's optimiser was restored, sets the rate.
  public var stepCount = 0 { didSet { apply() } }
  private let optimizer: any Optimizer

  /// - Parameter baseRate: by default the optimiser's rate now; a resumed run gives the first one's.
  public init(_ optimizer: any Optimizer, _ schedule: LearningRateSchedule, baseRate: Double? = nil) {
    self.optimizer = optimizer
    self.schedule = schedule
    self.baseRate = baseRate ?? optimizer.learningRate
    apply()
  }

  /// After every step of the optimiser.
  public func step() { stepCount += 1 }

  private func apply() { optimizer.learningRate = baseRate * schedule(stepCount) }
}
