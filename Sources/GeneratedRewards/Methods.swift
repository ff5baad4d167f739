import Experiments

/// Rewards that are written as programs, by search or by a language model. One folder a method; this is their list.
public let generatedRewardsMethods: [any Method.Type] = [
  Eureka.self, Text2Reward.self, AutoMCReward.self, ICPL.self, DERL.self, ONI.self,
]
