import RewardPrograms

/// What a policy is trained on.
public enum Objective: Sendable {
  /// A reward program.
  case program(RewardProgram)
  /// The environment's own reward.
  case environment
  /// The task's fitness and nothing else: zero on every step but an episode's last, which pays the episode's fitness.
  case fitnessAlone

  init(_ human: DesignTask.HumanReward) {
    switch human {
    case .environment: self = .environment
    case .program(let program): self = .program(program)
    }
  }
}
