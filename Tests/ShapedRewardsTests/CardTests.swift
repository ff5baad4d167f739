import Experiments
import Testing

import ShapedRewards

@Suite struct CardTests {
  @Test func cardsBelongToTheFamily() {
    let cards = shapedRewardsMethods.map { $0.card }
    #expect(cards.allSatisfy { $0.family == .shaped })
    #expect(Set(cards.map(\.id)).count == cards.count)
  }
}
