import Experiments
import Testing

import RewardTheory

@Suite struct CardTests {
  @Test func cardsBelongToTheFamily() {
    let cards = rewardTheoryMethods.map { $0.card }
    #expect(cards.allSatisfy { $0.family == .theory })
    #expect(Set(cards.map(\.id)).count == cards.count)
  }
}
