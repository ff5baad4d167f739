import Experiments

/// Decisions by incentives and under constraints. One folder a method; this is their list.
public let decisionsMethods: [any Method.Type] = [InformationAcquisition.self, OptimisticFeasibleSearch.self]
