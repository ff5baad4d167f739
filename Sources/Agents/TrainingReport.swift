/// What a stretch of training showed.
public struct TrainingReport: Sendable {
  /// Environment steps since training began.
  public var steps: Int
  /// Sum of the environment's own reward over each episode that ended in this stretch.
  public var environmentReturns: [Double]
  /// The same of the reward that is optimised, before normalisation.
  public var returns: [Double]
  public var episodeLengths: [Int]
  public var terms: [TermStatistics]
  /// Means over this stretch's updates, by name ("critic", "actor", "temperature", …); empty before the first update.
  public var losses: [String: Double]
}
