import Experiments

/// What is known about rewards as such: how far apart two are, what they can say, how they fail. One folder a method; this
/// is their list.
public let rewardTheoryMethods: [any Method.Type] = [
  STARC.self, IRLMisspecification.self, Expressivity.self, CorrelatedProxies.self,
]
