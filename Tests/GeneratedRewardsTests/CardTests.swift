import Experiments
import Testing

import GeneratedRewards

@Suite struct CardTests {
  @Test func cardsBelongToTheFamily() {
    let cards = generatedRewardsMethods.map { $0.card }
    #expect(cards.allSatisfy { $0.family == .generated })
    #expect(Set(cards.map(\.id)).count == cards.count)
  }
}
