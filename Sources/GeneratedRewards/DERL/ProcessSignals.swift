/// The paper's primitives for agents, from the scores of single steps.
public enum ProcessSignals {
  /// Mean step score over the first, the middle and the last third of a trajectory; 0 for a third without steps.
  ///
  /// Third i holds the steps from ⌊i · n / 3⌋ to ⌊(i + 1) · n / 3⌋.
  public static func thirds(of scores: [Double]) -> [Double] {
    (0..<3).map { third in
      let part = scores[third * scores.count / 3..<(third + 1) * scores.count / 3]
      return part.isEmpty ? 0 : part.reduce(0, +) / Double(part.count)
    }
  }

  /// What is added to every signal before a formula sees it: 0 and 1 become 1e-6 and 1 + 1e-6, so that divisions are
  /// defined.
  public static let offset = 1e-6
}
