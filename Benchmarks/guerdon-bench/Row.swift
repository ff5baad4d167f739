/// One comparison: how much of something we do in a second, and how much the peer does.
struct Row: Sendable {
  /// What is compared, for example "PPO HalfCheetah-v5 vs stable-baselines3".
  let name: String
  /// What a measurement counts, for example "steps/s".
  let unit: String
  /// The least ratio of ours to the peer's that counts as reached.
  let atLeast: Double
  /// Measurements of each side.
  var repetitions = 5
  /// Measures us once.
  let ours: @Sendable () throws -> Double
  /// Measures the peer once.
  let peer: @Sendable () throws -> Double

  /// All rows: to add some, write a file like `SteppingRows.swift` and name it here.
  static let all: [Row] = steppingRows + bridgeRows + learningRows + planningRows + languageRows + theoryRows
    + designRows
}

/// What came of a row: medians over the repetitions.
struct Result: Encodable {
  let name: String
  let ours: Double
  let peer: Double
  let unit: String
  let ratio: Double
  let atLeast: Double
  let holds: Bool
}

extension Row {
  /// Measures us and the peer in turn, so that whatever else the machine does falls on both.
  func measure(progress: (String) -> Void) throws -> Result {
    var ourRates: [Double] = [], peerRates: [Double] = []
    for repetition in 1...repetitions {
      ourRates.append(try ours())
      peerRates.append(try peer())
      progress("\(name): \(repetition) of \(repetitions)")
    }
    let (ours, peer) = (median(ourRates), median(peerRates))
    let ratio = ours / peer
    return Result(
      name: name, ours: ours, peer: peer, unit: unit, ratio: ratio, atLeast: atLeast, holds: ratio >= atLeast)
  }
}

private func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
