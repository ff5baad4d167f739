import Experiments

/// Reward design for reinforcement learning agents: the three designs of R. Devidze's thesis (arXiv 2503.21949).
///
/// - `ExplicableRewardDesign` (ExpRD): a teacher who knows the process designs one informative and sparse reward that
///   keeps the optimal policies.
/// - `AdaptiveRewardDesign` (ExpAdaRD): the teacher designs it anew for the learner's policy as it is, within a
///   structure that a person can read.
/// - `ExplorationGuidedShaping` (ExploRS): no teacher; the agent learns an additive reward and pays itself for
///   exploring.
public struct RewardDesignThesis: Method {
  public static let card = MethodCard(
    id: "reward-design-thesis", title: "Reward Design for Reinforcement Learning Agents",
    paper: Paper(arXiv: "2503.21949", year: 2025, month: 3, authors: 1), family: .shaped,
    summary:
      "Designs rewards by linear programs that keep the optimal policies and are informative and sparse (ExpRD) or tailored to the learner's policy (ExpAdaRD), and lets an agent shape its own reward with an exploration bonus (ExploRS).")
}
