import Experiments

/// Rewards that are made easier to learn from. One folder a method; this is their list.
public let shapedRewardsMethods: [any Method.Type] = [
  RewardDesignThesis.self,
]
